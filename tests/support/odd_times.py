"""Films whose time stamps disagree with their samples, and mp4 files whose edit lists cut, repeat and reorder."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np

Edit = tuple[float, float]
"""Seconds to play, from that second of the track on."""
_PARENTS = (b"moov", b"trak", b"mdia", b"edts")


def rumble(seconds: float, rate: int = 48000) -> np.ndarray:
    """(1, T) float32: low noise, so that every moment is known by its sound, even if it is played a little too fast."""
    random = np.random.default_rng(0).standard_normal(round(seconds * rate))
    weights = np.hanning(rate // 300)
    smooth = np.convolve(random, weights / np.sqrt((weights**2).sum()), "same")
    return (0.1 * smooth)[None].astype(np.float32)


def lag(played: np.ndarray, true: np.ndarray, rate: int, at: float, seconds: float = 0.3) -> float:
    """How much later than in `true` (T,), s, the sound around `at` s is in `played` (T,): within 0.6 s."""
    first, length, reach = round(at * rate), round(seconds * rate), round(0.6 * rate)
    piece = true[first : first + length]
    begin = max(0, first - reach)
    around = played[begin : first + length + reach]
    size = len(around) + length
    product = np.fft.irfft(np.fft.rfft(around, size) * np.fft.rfft(piece, size).conj(), size)
    return (int(np.argmax(product[: len(around) - length + 1])) + begin - first) / rate


def restamp(source: Path, out: Path, stamp: Callable[[int, float], float]) -> Path:
    """A copy in which audio packet `number` at `time`, s, is at `stamp(number, time)`."""
    with av.open(str(source)) as film, av.open(str(out), "w") as target:
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in film.streams}
        number = 0
        for packet in film.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio":
                seconds = stamp(number, float(packet.pts * packet.time_base))
                packet.pts = packet.dts = round(seconds / packet.time_base)
                number += 1
            packet.stream = copies[packet.stream_index]
            target.mux(packet)
    return out


def with_audio_earlier(source: Path, out: Path, after: float, seconds: float) -> Path:
    """The mkv with all audio blocks from the time `after` on `seconds` earlier: FFmpeg writes no such file."""
    data = bytearray(source.read_bytes())
    _move_blocks(data, 0, len(data), 2, round(1000 * after), round(1000 * seconds), [0])
    out.write_bytes(data)
    return out


def _move_blocks(
    data: bytearray, start: int, end: int, track: int, after: int, earlier: int, cluster: list[int]
) -> None:
    """Move the blocks of a track in the clusters between two places; `cluster` is the time, ms, of the last one."""
    while start < end:
        name_end = start + 9 - data[start].bit_length()
        content = name_end + 9 - data[name_end].bit_length()
        size = int.from_bytes(data[name_end:content], "big") & ((1 << 7 * (content - name_end)) - 1)
        name = bytes(data[start:name_end])
        if name in (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\xa0"):  # segment, cluster, group of blocks
            _move_blocks(data, content, min(content + size, end), track, after, earlier, cluster)
        elif name == b"\xe7":
            cluster[0] = int.from_bytes(data[content : content + size], "big")
        elif name in (b"\xa3", b"\xa1") and data[content] == 0x80 | track:
            (time,) = struct.unpack_from(">h", data, content + 1)
            if cluster[0] + time >= after:
                struct.pack_into(">h", data, content + 1, time - earlier)
        start = content + size


def join(clips: Sequence[Path], out: Path, seconds: float) -> Path:
    """The clips one after another every `seconds`, packet by packet, as `ffmpeg -f concat -c copy` joins them."""
    with av.open(str(clips[0])) as film, av.open(str(out), "w") as target:
        copies = [target.add_stream_from_template(stream, opaque=True) for stream in film.streams]
        last = [-(1 << 60) for _ in copies]
        for number, clip in enumerate(clips):
            with av.open(str(clip)) as part:
                packets = [packet for packet in part.demux() if packet.size]
                for packet in packets:
                    shift = round(number * seconds / packet.time_base)
                    packet.dts = max(packet.dts + shift, last[packet.stream_index] + 1)
                    packet.pts = max(packet.pts + shift, packet.dts)
                    last[packet.stream_index] = packet.dts
                    packet.stream = copies[packet.stream_index]
                    target.mux(packet)
    return out


def edited(source: Path, out: Path, *tracks: Sequence[Edit]) -> Path:
    """The mp4 or mov with these edit lists for its tracks, in their order: its index must come last (no faststart)."""
    data = source.read_bytes()
    for number, edits in enumerate(tracks):
        data = _with_edits(data, number, edits)
    out.write_bytes(data)
    return out


def _with_edits(data: bytes, number: int, edits: Sequence[Edit]) -> bytes:
    boxes = list(_boxes(data, 0, len(data)))
    moov, mvhd = (next(start for name, start, _ in boxes if name == kind) for kind in (b"moov", b"mvhd"))
    tracks = [(start, end) for name, start, end in boxes if name == b"trak"]
    start, end = tracks[number]
    inner = {name: (first, last) for name, first, last in boxes if start < first < end}
    (movie,) = struct.unpack_from(">I", data, mvhd + 20)
    (media,) = struct.unpack_from(">I", data, inner[b"mdhd"][0] + 20)
    old, after = inner[b"elst"]
    (delay,) = struct.unpack_from(">i", data, old + 20)  # of B-frames or of the audio encoder
    entries = b"".join(struct.pack(">IiI", round(s * movie), round(at * media) + delay, 1 << 16) for s, at in edits)
    new = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    out = bytearray(data[:old] + new + data[after:])
    for box in (moov, start, inner[b"edts"][0]):
        (size,) = struct.unpack_from(">I", out, box)
        struct.pack_into(">I", out, box, size + len(new) - (after - old))
    return bytes(out)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        yield name, start, start + size
        if name in _PARENTS:
            yield from _boxes(data, start + 8, start + size)
        start += size
