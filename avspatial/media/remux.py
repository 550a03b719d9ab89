"""Remuxing: the video is copied, packet for packet, and gets a new audio track.

No video is decoded: packets keep their bytes and their time stamps. Audio is encoded as far as the packets have come
and written between them: players stall on files whose streams are not interleaved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError
from avspatial.media.audio_writer import AudioTrack
from avspatial.media.edit_list import EDIT_LISTS, ShownPart, set_end, shown_part
from avspatial.media.ffmpeg import (
    DECODING_ERRORS,
    codec_name,
    is_cover,
    main_audio,
    open_file,
    open_media,
    video_stream,
)
from avspatial.media.file_errors import unreadable_video, unwritable
from avspatial.media.formats import OutputFormat
from avspatial.media.matroska import set_pixel_aspect
from avspatial.media.side_streams import attach_covers, choose_side_streams

AHEAD = 0.5
"""Seconds that the audio is written ahead of the packets around it."""
_IN_HEADER_OR_STREAM = frozenset({"avc1", "avc3", "hvc1", "hev1"})
"""Tags in mp4 and mov that state where the codec's parameter sets stand; copied video keeps its own."""
_MAC_LANGUAGES = {
    "deu": "ger", "nld": "dut", "ell": "gre", "isl": "ice", "zho": "chi", "sqi": "alb", "mkd": "mac", "hye": "arm",
    "kat": "geo", "bod": "tib", "mya": "bur", "msa": "may",
}  # fmt: skip
_CONTAINER_TAGS = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder"})


def remux(
    source: Path,
    out: Path,
    target: OutputFormat,
    audio: Iterable[np.ndarray],
    rate: int,
    start: float,
    *,
    keep_original: bool = False,
) -> tuple[str, ...]:
    """Copy `source` to `out` with new audio, completely or not at all.

    Subtitles, covers, chapters and fonts are copied if the container takes them.

    Args:
        source: A video file.
        out: The file to write.
        target: Its format.
        audio: Blocks (2, n) within [-1, 1] at `rate` Hz.
        rate: In Hz.
        start: Time stamp of the first sample on the clock of `source`, s.
        keep_original: Copy the audio tracks of `source` too, after the new one.

    Returns:
        Notes on which audio track was used and what was left out.

    Raises:
        MediaError: If something cannot be read or written.
    """
    part = shown_part(source)
    with (
        open_media(source) as container,
        _open_output(out, _muxer_options(container, target), target) as (output, changes),
    ):
        _copy_metadata(container, output)
        main = video_stream(container, source)
        changes += _header_changes(main, target, part)
        copies = {main.index: _copy_main(main, output)}
        stream = _binaural_stream(output, target, rate, main_audio(container))
        track = AudioTrack(output, stream, target.sample_format, audio, start)
        side = choose_side_streams(container, main, target, keep_original)
        copies |= {stream.index: _copy_stream(stream, output) for stream in side.copied}
        attach_covers(output, side.attached, source)
        last = {} if part is None else {main.index: part.last}
        for packet, seconds in _packets(container, sorted(copies), source, last):
            track.write_until(seconds + AHEAD)
            packet.stream = copies[packet.stream_index]
            output.mux(packet)
        track.finish()
    return side.notes


def _muxer_options(container: Any, target: OutputFormat) -> dict[str, str]:
    """Options for a copy of `container`."""
    options = {"strict": "unofficial"}  # or else FFmpeg drops 360-degree marks and Dolby Vision records
    if target.container in {"mp4", "mov"}:
        # Keys like com.apple.quicktime.make fit only into a list of free keys, in which few players find a title.
        free_keys = any(key.startswith("com.") for key in container.metadata)
        options["movflags"] = "+faststart+use_metadata_tags" if free_keys else "+faststart"
    return options


def _header_changes(main: Any, target: OutputFormat, part: ShownPart | None) -> list[Callable[[Path], None]]:
    """What FFmpeg does not write into the header of a copy of the video: where it ends if there are frames that are not
    shown after that, and the pixel aspect that the container states, which it keeps in mp4 and mov only."""
    changes: list[Callable[[Path], None]] = []
    if part is not None and part.overhang:
        changes.append(partial(set_end, seconds=part.seconds))
    aspect = main.sample_aspect_ratio
    if target.container not in EDIT_LISTS and aspect and aspect != (main.codec_context.sample_aspect_ratio or 1):
        changes.append(partial(set_pixel_aspect, aspect=aspect))
    return changes


@contextmanager
def _open_output(
    out: Path, options: dict[str, str], target: OutputFormat
) -> Iterator[tuple[Any, list[Callable[[Path], None]]]]:
    """A container that becomes `out`, and a list for changes that are made to the finished file; errors of FFmpeg and
    the file system become a MediaError about `out`."""
    changes: list[Callable[[Path], None]] = []
    try:
        with atomic_write(out) as temporary_path:
            with open_file(temporary_path, "w", format=target.container, options=options) as output:
                yield output, changes
            for change in changes:
                change(temporary_path)
    except (*DECODING_ERRORS, OSError) as error:
        raise unwritable(out, error) from error


def _copy_metadata(container: Any, output: Any) -> None:
    """Copy title, date and the like, and the chapters."""
    output.metadata.update({key: value for key, value in container.metadata.items() if key not in _CONTAINER_TAGS})
    chapters = container.chapters()
    if chapters:
        output.set_chapters(chapters)


def _copy_stream(stream: Any, output: Any) -> Any:
    copy = output.add_stream_from_template(stream, opaque=True)
    copy.metadata.update(stream.metadata)
    copy.disposition = stream.disposition
    if stream.type == "video" and output.format.name in {"mp4", "mov"}:
        tag = stream.codec_context.codec_tag
        if tag in _IN_HEADER_OR_STREAM:
            copy.codec_context.codec_tag = tag
        elif codec_name(stream) == "hevc":
            # Apple's players know hevc by this tag only. Streams from Matroska have their parameter sets in the header.
            copy.codec_context.codec_tag = "hvc1"
    if stream.type == "video" and "timecode" in stream.metadata and stream.average_rate:
        # FFmpeg counts the frames of a time code by this rate; that of the codec may be the rate of its clock.
        copy.codec_context.framerate = stream.average_rate
    if stream.type == "audio":
        copy.disposition = av.stream.Disposition(0)
    if is_cover(stream):
        copy.disposition = av.stream.Disposition.attached_pic
    return copy


def _copy_main(stream: Any, output: Any) -> Any:
    """Copy the video with what only its header states."""
    copy = _copy_stream(stream, output)
    if stream.container.format.name.startswith("mov") and output.format.name == "mov":
        # Names of codecs carry what packets do not: ap4h is ProRes with alpha, apch is not.
        copy.codec_context.codec_tag = stream.codec_context.codec_tag
    if stream.sample_aspect_ratio:
        copy.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio
    return copy


def _binaural_stream(output: Any, target: OutputFormat, rate: int, replaced: Any | None) -> Any:
    stream = output.add_stream(target.encoder, rate=rate, layout="stereo", format=target.sample_format)
    if target.bit_rate is not None:
        stream.bit_rate = target.bit_rate
    language = replaced.metadata.get("language", "und") if replaced is not None else "und"
    if language != "und":
        # mov lists the languages of Apple's old codes only, by their other names.
        stream.metadata["language"] = _MAC_LANGUAGES.get(language, language) if target.container == "mov" else language
    stream.metadata["title"] = "Binaural"
    stream.disposition = av.stream.Disposition.default
    return stream


def _packets(
    container: Any, indices: Sequence[int], source: Path, last: Mapping[int, int]
) -> Iterator[tuple[Any, float]]:
    """The packets of some streams with their decoding times, s, in the order of the file; of those in `last` none after
    that decoding time stamp."""
    early: dict[int, list[Any]] = {index: [] for index in indices}
    try:
        for packet in container.demux([container.streams[index] for index in indices]):
            held = early.get(packet.stream_index)
            if not packet.size or _cut_away(packet, last.get(packet.stream_index, math.inf)):
                continue
            if is_cover(container.streams[packet.stream_index]):
                packet.pts = packet.dts = 0  # it has no time stamps
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
    except DECODING_ERRORS as error:
        raise unreadable_video(source, error) from error


def _cut_away(packet: Any, last: float) -> bool:
    """Whether an edit list hides a packet that nothing shown needs. Audio needs one hidden packet before its start."""
    if packet.stream.type == "audio" and packet.is_discard and packet.pts is not None:
        return bool(packet.pts + (packet.duration or 0) < (packet.stream.start_time or 0))
    return packet.dts is not None and bool(packet.dts > last)


def _with_decoding_times(packets: Sequence[Any]) -> Iterator[tuple[Any, float]]:
    """The first packets of a stream, up to one whose decoding time is known, with times for those before it: Matroska
    stores none, and FFmpeg derives them only after a few packets."""
    if packets and packets[-1].dts is None:
        shown = sorted(packet.pts for packet in packets)
        packets[-1].dts = shown[-1] - max(time - packet.pts for time, packet in zip(shown, packets, strict=True))
    for later, packet in zip(reversed(packets), [*reversed(packets)][1:], strict=False):
        packet.dts = min(later.dts - max(packet.duration or 1, 1), packet.pts)
    for packet in packets:
        yield packet, _seconds(packet)


def _seconds(packet: Any) -> float:
    return float(packet.dts * packet.time_base)
