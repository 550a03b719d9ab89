"""What each container may hold: the sound we put into it, and the streams that are copied."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from avspatial.errors import MediaError
from avspatial.media.ffmpeg import DECODING, codec_name, opened, reason, video_stream

OPUS_RATE = 48000
"""The only rate that Opus keeps, Hz."""


@dataclass(frozen=True)
class Container:
    """A kind of file: FFmpeg's name for it, the encoder of its sound, the sample format that this takes, whether it
    keeps every bit of 24, and a bit rate where it does not."""

    format: str
    encoder: str
    sample_format: str
    said: str
    lossless: bool = True
    bit_rate: int | None = None


CONTAINERS = {
    ".mp4": Container("mp4", "alac", "s32p", "ALAC, 24 bit"),
    ".m4v": Container("mp4", "alac", "s32p", "ALAC, 24 bit"),
    ".mov": Container("mov", "pcm_s24le", "s32", "PCM, 24 bit"),
    ".mkv": Container("matroska", "flac", "s32", "FLAC, 24 bit"),
    ".webm": Container("webm", "libopus", "flt", "Opus, 256 kbit/s", lossless=False, bit_rate=256_000),
}
"""By suffix. The sound is the best that each one's players know: ALAC and PCM are what Apple's and the editors' do."""

LOSSLESS_INSTEAD = {".webm": ".mkv"}
"""Where an output goes by default if its input's container holds no lossless sound."""


def container_of(path: Path, rate: int) -> Container:
    """The container that a file's name asks for; MediaError where there is none, or where it cannot keep the rate."""
    kind = CONTAINERS.get(path.suffix.lower())
    if kind is None:
        raise MediaError(
            f"cannot write {path.suffix or 'a name without suffix'!r} files",
            where=path,
            fix=f"Give a name that ends in one of {', '.join(CONTAINERS)}.",
        )
    if not kind.lossless and rate != OPUS_RATE:
        raise MediaError(
            f"{path.suffix} holds Opus sound, which is always at {OPUS_RATE} Hz; this sound is at {rate} Hz",
            where=path,
            fix="Give a name that ends in .mkv, which holds the same pictures and sound of any rate.",
        )
    return kind


def accepted(kind: Container, streams: Sequence[Any]) -> str:
    """Try a header with copies of the streams: why the container refuses them, or nothing."""
    try:
        with av.open(io.BytesIO(), "w", format=kind.format) as trial:
            for stream in streams:
                trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (*DECODING, ValueError) as error:
        return reason(error)
    return ""


def check_video(source: Path, out: Path, kind: Container) -> None:
    """MediaError unless the pictures of `source` can be copied into a container of this kind."""
    with opened(source) as container:
        stream = video_stream(container, source)
        codec = codec_name(stream)
        if not accepted(kind, [stream]):
            return
        able = [suffix for suffix, other in CONTAINERS.items() if not accepted(other, [stream])]
    fix = f"Give an output that ends in {' or '.join(able)}: -o NAME{able[-1]}." if able else "Convert the video first."
    raise MediaError(f"{out.suffix} cannot hold {codec} pictures, which are only copied", where=out, fix=fix)
