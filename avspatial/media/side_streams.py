"""Subtitles, covers, fonts and further tracks: which of them a container takes, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from avspatial.media.ffmpeg import codec_name, is_cover, main_audio, open_media
from avspatial.media.formats import OutputFormat, refusal

_COPIED = frozenset({"video", "subtitle"})
_COVER_FILES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


@dataclass(frozen=True)
class SideStreams:
    """Streams to copy; covers that become attachments, as Matroska keeps them; and notes on what is left out."""

    copied: tuple[Any, ...]
    attached: tuple[Any, ...]
    notes: tuple[str, ...]


def choose_side_streams(container: Any, main: Any, target: OutputFormat, keep_original: bool) -> SideStreams:
    """Sort all streams but the `main` video and, unless `keep_original`, the audio track that was used."""
    copied: list[Any] = []
    attached: list[Any] = []
    left_out: list[str] = []
    used = main_audio(container)
    for stream in _other_streams(container, main, None if keep_original else used):
        if is_cover(stream) and target.container == "matroska" and codec_name(stream) in _COVER_FILES:
            attached.append(stream)
        elif _wanted(stream, target, keep_original) and not refusal(target, [main, *copied, stream]):
            copied.append(stream)
        else:
            left_out.append(_describe(stream))
    notes = [_audio_note(container.streams.audio, used)] if len(container.streams.audio) > 1 else []
    notes += [f"left out: {', '.join(left_out)}"] if left_out else []
    return SideStreams(tuple(copied), tuple(attached), tuple(notes))


def attach_covers(target: Any, covers: Sequence[Any], source: Path) -> None:
    """Attach covers, streams of `source`, to `target`, before its first packet. Raises MediaError as `open_media`."""
    for stream in covers:
        name, mime = _COVER_FILES[codec_name(stream)]
        with open_media(source) as container:
            cover = next(packet for packet in container.demux(container.streams[stream.index]) if packet.size)
            target.add_attachment(
                stream.metadata.get("filename", name), stream.metadata.get("mimetype", mime), bytes(cover)
            )


def _other_streams(container: Any, main: Any, replaced: Any | None) -> Iterator[Any]:
    chapters = bool(container.chapters())
    for stream in container.streams:
        # mp4 keeps chapters as a track too, which FFmpeg has read by now and marks as not to be read again.
        read = chapters and stream.type == "data" and stream.discard == av.stream.Discard.all
        # A track of time codes is one number, which FFmpeg has read into the video's metadata and writes anew.
        timecode = stream.type == "data" and stream.metadata.get("timecode")
        kept = timecode and timecode == main.metadata.get("timecode")
        if stream is not main and stream is not replaced and not read and not kept:
            yield stream


def _wanted(stream: Any, target: OutputFormat, keep_original: bool) -> bool:
    # Elsewhere FFmpeg drops covers and attachments without an error.
    if is_cover(stream):
        return target.container == "mp4"
    if stream.type == "attachment":
        return target.container == "matroska"
    return stream.type in _COPIED or (stream.type == "audio" and keep_original)


def _audio_note(tracks: Sequence[Any], used: Any) -> str:
    choice = "the default one" if used.disposition & av.stream.Disposition.default else "the first that can be read"
    language = _language(used)
    number = f"number {tracks.index(used) + 1}" + (f", {language}" if language else "")
    return f"of {len(tracks)} audio tracks {choice} was used ({number})"


def _describe(stream: Any) -> str:
    kind = "cover" if is_cover(stream) else stream.type
    name = codec_name(stream) if stream.codec_context is not None else getattr(stream, "name", None) or "unknown"
    language = _language(stream)
    return f"{kind} ({name}, {language})" if language else f"{kind} ({name})"


def _language(stream: Any) -> str:
    """The language of a track as the file states it, `eng`; empty if it states none."""
    language = str(stream.metadata.get("language", ""))
    return "" if language == "und" else language
