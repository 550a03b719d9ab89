"""The audio track of a video or audio container (of several the default one): its header, and its decoded frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from avspatial.errors import MediaError
from avspatial.media.audio_timeline import TimedBlock
from avspatial.media.ffmpeg import codec_name, declared_seconds, main_audio, open_media, own_seconds, refuse_cut_short
from avspatial.media.file_ends import refuse_cut_avi, refuse_cut_ogg
from avspatial.media.file_errors import unknown_codec

_TRIMMED = frozenset({"mov", "mp4", "m4a"})
"""Containers whose header states a track's length to the sample; codecs decode to full blocks, a little longer."""

_CUT = {"ogg": refuse_cut_ogg, "avi": refuse_cut_avi}
"""How files of a format show that they are cut short, where FFmpeg adapts their length to that."""


@dataclass(frozen=True)
class AudioStreamInfo:
    """The audio track: codec, rate in Hz, number of channels and their layout, length in seconds."""

    codec: str
    rate: int
    channels: int
    layout: str
    seconds: float


@contextmanager
def open_track(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a container and its audio track. Raises MediaError if it has none that FFmpeg can decode, and for an ogg or
    avi file that is cut short."""
    with open_media(path) as container:
        stream = main_audio(container)
        if stream is None:
            raise MediaError("has no audio stream", where=path)
        if stream.codec_context is None:
            raise unknown_codec("audio", path)
        if container.format.name in _CUT:
            _CUT[container.format.name](path, (container.duration or 0) / 1e6)
        yield container, stream


def track_info(container: Any, stream: Any, path: Path) -> AudioStreamInfo:
    """The header of a track. Raises MediaError if it states no rate or no channels."""
    codec = stream.codec_context
    if codec is None:
        raise unknown_codec("audio", path)
    if not codec.sample_rate or not codec.channels:
        raise MediaError("its header does not state the audio's rate and channels", where=path, fix="Copy it again.")
    layout = codec.layout.name if codec.layout else f"{codec.channels} channels"
    return AudioStreamInfo(
        codec_name(stream),
        codec.sample_rate,
        codec.channels,
        layout,
        own_seconds(container, stream) or declared_seconds(container, stream) or _counted_seconds(path, stream.index),
    )


def _counted_seconds(path: Path, index: int) -> float:
    """The length of a stream by its packets, none of which is decoded: live recordings do not state their length."""
    with open_media(path) as container:
        packets = (packet for packet in container.demux(container.streams[index]) if packet.pts is not None)
        spans = [(packet.pts, packet.pts + (packet.duration or 0)) for packet in packets]
        unit = container.streams[index].time_base
    return float((max(end for _, end in spans) - spans[0][0]) * unit) if spans and unit else 0.0


class TrackDecoder:
    """Decoded frames of a track, whose format must not change.

    After the first frame `start` is its time stamp, s, `rate` its rate, Hz, and `channels` how many it has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = 0.0
        self.rate = 0
        self.channels = 0

    def frames(self, container: Any, stream: Any, packets: Iterable[Any] | None = None) -> Iterator[TimedBlock]:
        """Decode packets of the track (None: all) -> frames, the last one without the silence that an encoder adds.

        Raises MediaError for a damaged frame, for one of another rate or number of channels than the first, and, if all
        packets were read, for a file that is cut short.
        """
        # Packed: PyAV 18.1 crashes when it reads the planes of eight or more channels.
        packed = av.AudioResampler(format="flt")
        last: TimedBlock | None = None
        for packet in container.demux(stream) if packets is None else packets:
            for frame in packet.decode():
                self._check(frame)
                for part in packed.resample(frame):
                    if last is not None:
                        yield last
                    last = frame.time, np.ascontiguousarray(part.to_ndarray().reshape(-1, self.channels).T)
        if last is not None:
            time, block = last
            block = block[:, : _samples_to_end(container, stream, time, block.shape[1])]
            yield time, block
            if packets is None and time is not None:
                refuse_cut_short(self.path, time + block.shape[1] / self.rate)

    def _check(self, frame: Any) -> None:
        channels = frame.layout.nb_channels
        if not self.rate:
            self.rate, self.channels, self.start = frame.sample_rate, channels, frame.time or 0.0
        if frame.is_corrupt:
            raise MediaError(
                f"its audio is damaged near {frame.time or 0:.2f} s", where=self.path, fix="Copy or download it again."
            )
        for what, was, now in (("number of channels", self.channels, channels), ("rate", self.rate, frame.sample_rate)):
            if was != now:
                raise MediaError(
                    f"the {what} of its audio changes from {was} to {now} at {frame.time or 0:.2f} s",
                    where=self.path,
                    fix="Convert its audio to one format first, or cut the video there.",
                )


def _samples_to_end(container: Any, stream: Any, time: float | None, samples: int) -> int:
    """How many of the last frame's samples lie before the end that the header states, if it states one within the frame
    to the sample."""
    exact = stream.time_base is not None and stream.time_base.denominator == stream.codec_context.sample_rate
    if stream.duration is None or time is None or not exact or not _TRIMMED & set(container.format.name.split(",")):
        return samples
    end = ((stream.start_time or 0) + stream.duration) * float(stream.time_base)
    kept = round((end - time) * stream.codec_context.sample_rate)
    return kept if 0 < kept < samples else samples
