"""A video with its pictures copied, packet for packet, and new sound.

Nothing of the pictures is decoded: packets keep their bytes and their time stamps. Sound is encoded as far as the
packets have come and written between them: players stall on files whose streams are not interleaved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError
from avspatial.media.ffmpeg import DECODING, codec_name, is_cover, opened, reason, video_stream
from avspatial.media.formats import Container
from avspatial.media.side_streams import attach_covers, choose

AHEAD = 0.5
"""Seconds that the sound is written ahead of the packets around it."""
_FULL_SCALE = 1 << 23
_PLAYABLE_EARLY = {"mp4": {"movflags": "+faststart"}, "mov": {"movflags": "+faststart"}}
_IN_HEADER_OR_STREAM = frozenset({"avc1", "avc3", "hvc1", "hev1"})
"""Names of one codec in mp4 and mov that say where the parameter sets stand; pictures that are copied keep theirs."""
_CONTAINER_FACTS = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


def remux(
    source: Path,
    out: Path,
    kind: Container,
    sound: Iterable[np.ndarray],
    rate: int,
    start: float,
    *,
    keep_original: bool = False,
) -> tuple[str, ...]:
    """Copy `source` to `out`, whole or not at all, with `sound`: blocks (2, n) within [-1, 1] at `rate` Hz.

    `start` is the time stamp of its first sample on the clock of `source`, s. With `keep_original` the sound tracks of
    `source` are copied, after the new one. Subtitles, covers, chapters and fonts are copied where the container takes
    them. Returns what was left out, in words. MediaError when something cannot be read or written.
    """
    with opened(source) as container, _writing(out, kind) as target:
        _describe(container, target)
        main = video_stream(container, source)
        copies = {main.index: _copy_of(main, target)}
        track = _Track(target, kind, iter(sound), rate, start)
        extras = choose(container, main, kind, keep_original)
        copies |= {stream.index: _copy_of(stream, target) for stream in extras.copied}
        attach_covers(target, extras.attached, source)
        for packet, seconds in _packets(container, sorted(copies), source):
            track.write_until(seconds + AHEAD)
            packet.stream = copies[packet.stream_index]
            target.mux(packet)
        track.finish()
    return extras.left_out


@contextmanager
def _writing(out: Path, kind: Container) -> Iterator[Any]:
    """A container that becomes `out`; what FFmpeg and the file system refuse becomes a MediaError about `out`."""
    options = _PLAYABLE_EARLY.get(kind.format, {})
    try:
        with (
            atomic_write(out) as temporary_path,
            av.open(str(temporary_path), "w", format=kind.format, options=options) as target,
        ):
            yield target
    except (*DECODING, OSError) as error:
        raise MediaError(
            f"cannot be written ({reason(error)})", where=out, fix="Free space, or choose another folder."
        ) from error


def _describe(container: Any, target: Any) -> None:
    """Title, date and the like, and the chapters."""
    target.metadata.update({key: value for key, value in container.metadata.items() if key not in _CONTAINER_FACTS})
    chapters = container.chapters()
    if chapters:
        target.set_chapters(chapters)


def _copy_of(stream: Any, target: Any) -> Any:
    copy = target.add_stream_from_template(stream, opaque=True)
    copy.metadata.update(stream.metadata)
    copy.disposition = stream.disposition
    if stream.type == "video" and target.format.name in {"mp4", "mov"}:
        tag = stream.codec_context.codec_tag
        if tag in _IN_HEADER_OR_STREAM:
            copy.codec_context.codec_tag = tag
        elif codec_name(stream) == "hevc":
            # Apple's players take hevc by this name alone. What comes from Matroska has its sets in the header.
            copy.codec_context.codec_tag = "hvc1"
    if stream.type == "audio":
        copy.disposition = av.stream.Disposition(0)
    if is_cover(stream):
        copy.disposition = av.stream.Disposition.attached_pic
    return copy


def _packets(container: Any, indices: Sequence[int], source: Path) -> Iterator[tuple[Any, float]]:
    """The packets of some streams with their decoding times, s, in the order of the file."""
    early: dict[int, list[Any]] = {index: [] for index in indices}
    try:
        for packet in container.demux([container.streams[index] for index in indices]):
            held = early.get(packet.stream_index)
            if not packet.size:
                continue
            if is_cover(container.streams[packet.stream_index]):
                packet.pts = packet.dts = 0  # it has none of its own
            if packet.pts is None or (held is None and packet.dts is None):
                raise MediaError(
                    "holds packets without a time stamp", where=source, fix="Remux it into an mkv file first."
                )
            if held is None:
                yield packet, _seconds(packet)
                continue
            held.append(packet)
            if packet.dts is not None:
                del early[packet.stream_index]
                yield from _with_decoding_times(held)
        for held in early.values():
            yield from _with_decoding_times(held)
    except DECODING as error:
        raise MediaError(
            f"not a readable video ({reason(error)}); it is damaged or cut short",
            where=source,
            fix="Copy or download it again.",
        ) from error


def _with_decoding_times(packets: Sequence[Any]) -> Iterator[tuple[Any, float]]:
    """The first packets of a stream, up to one whose decoding time is known, with times for those before it: Matroska
    keeps none, and FFmpeg finds them out only after a few packets."""
    if packets and packets[-1].dts is None:
        shown = sorted(packet.pts for packet in packets)
        packets[-1].dts = shown[-1] - max(place - packet.pts for place, packet in zip(shown, packets, strict=True))
    for later, packet in zip(reversed(packets), [*reversed(packets)][1:], strict=False):
        packet.dts = min(later.dts - max(packet.duration or 1, 1), packet.pts)
    for packet in packets:
        yield packet, _seconds(packet)


def _seconds(packet: Any) -> float:
    return float(packet.dts * packet.time_base)


class _Track:
    """The new sound, encoded as far as it is asked for."""

    def __init__(self, target: Any, kind: Container, blocks: Iterator[np.ndarray], rate: int, start: float) -> None:
        self._target, self._kind, self._blocks, self._rate = target, kind, blocks, rate
        self._done = self._first = round(start * rate)
        self._stream = target.add_stream(kind.encoder, rate=rate, layout="stereo", format=kind.sample_format)
        if kind.bit_rate is not None:
            self._stream.bit_rate = kind.bit_rate
        self._stream.metadata["title"] = "Binaural"
        self._stream.disposition = av.stream.Disposition.default

    def write_until(self, seconds: float) -> None:
        while self._done < seconds * self._rate:
            block = next(self._blocks, None)
            if block is None:
                return
            self._target.mux(self._stream.encode(self._frame(block)))
            self._done += block.shape[1]

    def finish(self) -> None:
        self.write_until(float("inf"))
        self._target.mux(self._stream.encode())

    def _frame(self, block: np.ndarray) -> Any:
        kind = self._kind.sample_format
        samples = block if kind.startswith("flt") else as_24_bit(block)
        if not kind.endswith("p"):
            samples = samples.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=kind, layout="stereo")
        frame.rate, frame.pts, frame.time_base = self._rate, self._done, Fraction(1, self._rate)
        return frame


def as_24_bit(block: np.ndarray) -> np.ndarray:
    """block (C, n) within [-1, 1] -> int32, the upper 24 bits rounded, the lower 8 zero. ValueError for what would
    have to be clipped."""
    whole = np.rint(block.astype(np.float64) * _FULL_SCALE)
    if np.abs(block).max(initial=0.0) > 1:
        raise ValueError(f"24 bits hold samples within [-1, 1]; the largest is {np.abs(block).max():.3f}")
    return np.minimum(whole, _FULL_SCALE - 1).astype(np.int32) << 8
