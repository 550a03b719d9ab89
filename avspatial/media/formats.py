"""Container formats: the audio that we put into each, and the streams that can be copied into it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from avspatial.errors import MediaError, reason
from avspatial.media.ffmpeg import DECODING_ERRORS, codec_name, open_media, video_stream

OPUS_RATE = 48000
"""The only rate that Opus keeps, Hz."""


@dataclass(frozen=True)
class OutputFormat:
    """An output format: FFmpeg's name of the container, the encoder of the audio and its sample format, a description,
    whether it keeps all 24 bits, and a bit rate if it does not."""

    container: str
    encoder: str
    sample_format: str
    description: str
    lossless: bool = True
    bit_rate: int | None = None


FORMATS = {
    ".mp4": OutputFormat("mp4", "alac", "s32p", "ALAC, 24 bit"),
    ".m4v": OutputFormat("mp4", "alac", "s32p", "ALAC, 24 bit"),
    ".mov": OutputFormat("mov", "pcm_s24le", "s32", "PCM, 24 bit"),
    ".mkv": OutputFormat("matroska", "flac", "s32", "FLAC, 24 bit"),
    ".webm": OutputFormat("webm", "libopus", "flt", "Opus, 256 kbit/s", lossless=False, bit_rate=256_000),
}
"""By suffix. The audio is the best that the players of each know: Apple's and the editors' know ALAC and PCM."""

LOSSLESS_INSTEAD = {".webm": ".mkv"}
"""The default suffix of an output if its input's container holds no lossless audio."""


def output_format(path: Path, rate: int) -> OutputFormat:
    """The format of a file name. Raises MediaError if there is none, or if it cannot keep the rate."""
    target = FORMATS.get(path.suffix.lower())
    if target is None:
        raise MediaError(
            f"cannot write {path.suffix or 'a name without suffix'!r} files",
            where=path,
            fix=f"Give a name that ends in one of {', '.join(FORMATS)}.",
        )
    if not target.lossless and rate != OPUS_RATE:
        raise MediaError(
            f"{path.suffix} holds Opus audio, which is always at {OPUS_RATE} Hz; this audio is at {rate} Hz",
            where=path,
            fix="Give a name that ends in .mkv, which holds the same video and audio of any rate.",
        )
    return target


def refusal(target: OutputFormat, streams: Sequence[Any]) -> str:
    """Try a header with copies of the streams: why the container refuses them, or nothing."""
    try:
        with av.open(io.BytesIO(), "w", format=target.container) as trial:
            for stream in streams:
                trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (*DECODING_ERRORS, ValueError) as error:
        return reason(error)
    return ""


def check_video(source: Path, out: Path, target: OutputFormat) -> None:
    """Raise MediaError unless the video of `source` can be copied into a container of this format."""
    with open_media(source) as container:
        stream = video_stream(container, source)
        codec = codec_name(stream)
        if not refusal(target, [stream]):
            return
        able = [suffix for suffix, candidate in FORMATS.items() if not refusal(candidate, [stream])]
    fix = f"Give an output that ends in {' or '.join(able)}: -o NAME{able[-1]}." if able else "Convert the video first."
    raise MediaError(f"{out.suffix} cannot hold {codec} video, which is only copied", where=out, fix=fix)
