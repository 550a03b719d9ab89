"""Films of a second or two in every format, and a tiny model, for tests that spatialize."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

import avspatial
from avspatial.api.load import Trained
from avspatial.api.spatialize import Result
from avspatial.media.audio_stream import AudioReader
from avspatial.progress import no_display
from avspatial.recipe.load import load_recipe
from avspatial.registry import Registry

RECIPE = """\
schema: 1
name: tiny
data: {{use: simulated, clips: 6}}
window: {{seconds: 0.064, rate: 8000, fps: 10, pictures: 4, picture: [32, 32]}}
stft: {{n_fft: 64, window: 64, hop: 16}}
inference: {{hop: 0.03}}
model:
  use: masking
  visual_encoder: {eyes}
  audio_encoder: {{use: unet, width: 0.03125}}
  mask_generator: {{use: unet}}
trainer: {{use: supervised, steps: 1}}
metrics: [stft_distance]
"""
SEEING = "{use: c3d, width: 0.03125, pretrained: false}"
BLIND = "null"

CHAPTERS = [
    {"id": 1, "start": 0, "end": 400, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}},
    {"id": 2, "start": 400, "end": 800, "time_base": Fraction(1, 1000), "metadata": {"title": "Two"}},
]
FONT = b"\x00\x01\x00\x00 not much of a font"

Packet = tuple[str, float]
"""The hash of what a packet holds, and its time stamp in s."""


def tiny(folder: Path, registry: Registry, eyes: str = SEEING) -> Trained:
    """A model with random weights, the last layer's large enough that the difference is large."""
    file = folder / "tiny.yaml"
    file.write_text(RECIPE.format(eyes=eyes))
    loaded = load_recipe(file, registry)
    torch.manual_seed(0)
    recipe = loaded.recipe
    spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    torch.nn.init.normal_(spatializer.mask_generator.last.weight, 0, 1)
    return Trained(spatializer.eval(), recipe, loaded.resolved)


def try_spatialize(source: Path, trained: Trained, **options: Any) -> Result:
    """The result of one file, which may be an error."""
    (result,) = avspatial.spatialize(source, trained, progress=no_display, **options).results
    return result


def spatialize_one(source: Path, trained: Trained, **options: Any) -> Result:
    result = try_spatialize(source, trained, **options)
    assert result.error == ""
    return result


def noise(samples: int, channels: int = 1, level: float = 0.1) -> np.ndarray:
    """(C, T) float32: noise whose level moves, so that no two seconds are alike."""
    random = np.random.default_rng(samples)
    swell = 1 + 0.5 * np.sin(np.arange(samples) / 5000)
    return (level * swell * random.standard_normal((channels, samples))).astype(np.float32)


def moving(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Pictures of a bright square that moves from left to right over grey."""
    pictures = np.full((count, height, width, 3), 90, np.uint8)
    for number, picture in enumerate(pictures):
        left = number * (width - 16) // max(1, count - 1)
        picture[16:32, left : left + 16] = (250, 200, 40)
    return list(pictures)


def write_film(
    path: Path,
    *,
    seconds: float = 1.5,
    fps: int = 10,
    pictures: Sequence[np.ndarray] | None = None,
    times: Iterable[float] | None = None,
    video: str | None = "libx264",
    tag: str | None = None,
    sound: np.ndarray | None = None,
    audio: str | None = "aac",
    options: dict[str, str] | None = None,
    rate: int = 48000,
    begins: float = 0.0,
    gap: float = 0.0,
) -> Path:
    """A film of `pictures`, at `times`, s, or evenly `fps` a second, and `sound` (C, T) that begins at `begins` s.

    `gap` seconds are missing after the sound's first half. `tag` is what mp4 and mov call the pictures' codec. None
    leaves a stream out. `options` are those of the encoder of the sound.
    """
    pictures = moving(round(seconds * fps)) if pictures is None else pictures
    sound = noise(round(seconds * rate)) if sound is None else sound
    moments = [number / fps for number in range(len(pictures))] if times is None else list(times)
    with av.open(str(path), "w") as container:
        shown = container.add_stream(video, rate=fps, options={"threads": "1"}) if video else None
        track = None
        if audio:
            layout = {1: "mono", 2: "stereo", 4: "quad"}.get(len(sound), "5.1")
            track = container.add_stream(audio, rate=rate, layout=layout, options=options or {})
        if shown is not None:
            shown.height, shown.width, shown.pix_fmt = *pictures[0].shape[:2], "yuv420p"
            shown.codec_context.time_base = Fraction(1, 1000)
            if tag is not None:
                shown.codec_context.codec_tag = tag
            for moment, picture in zip(moments, pictures, strict=True):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = round(1000 * moment), Fraction(1, 1000)
                container.mux(shown.encode(frame))
            container.mux(shown.encode())
        if track is not None:
            _write_audio(container, track, sound, rate, begins, gap)
    return path


def _write_audio(container: Any, stream: Any, sound: np.ndarray, rate: int, begins: float, gap: float) -> None:
    for start in range(0, sound.shape[1], 4800):
        part = np.ascontiguousarray(sound[:, start : start + 4800])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=stream.layout.name)
        frame.rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = start + round((begins + gap * (2 * start >= sound.shape[1])) * rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def picture_packets(path: Path) -> list[Packet]:
    """The packets of a file's pictures."""
    with av.open(str(path)) as container:
        return [
            (hashlib.sha256(bytes(packet)).hexdigest(), float(packet.pts * packet.time_base))
            for packet in container.demux(container.streams.video[0])
            if packet.size
        ]


def read_track(path: Path) -> tuple[np.ndarray, AudioReader]:
    """The audio of a file, (C, T), and its reader, which knows rate and start."""
    reader = AudioReader(path)
    return np.concatenate(list(reader.blocks()), 1), reader


def jpeg() -> bytes:
    """A grey picture of 32 x 32 as the bytes of a jpeg file."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 32, 32, "yuvj420p", Fraction(1, 25)
    frame = av.VideoFrame(32, 32, "yuvj420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    frame.pts = 0
    (packet,) = [*encoder.encode(frame), *encoder.encode(None)]
    return bytes(packet)


def furnish(source: Path, out: Path, subtitles: str | None, cover: bytes | None = None, font: bool = False) -> Path:
    """The film with subtitles of that codec, two chapters, a cover, a font."""
    with av.open(str(source)) as film, av.open(str(out), "w") as target:
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in film.streams}
        words = target.add_mux_stream(subtitles) if subtitles else None
        matroska = out.suffix == ".mkv"
        picture = target.add_mux_stream("mjpeg", width=32, height=32) if cover and not matroska else None
        if cover and matroska:
            target.add_attachment("cover.jpg", "image/jpeg", cover)
        if words is not None:
            words.metadata["language"] = "fra"
            words.time_base = Fraction(1, 1000)
        if picture is not None:
            picture.disposition = av.stream.Disposition.attached_pic
        if font:
            target.add_attachment("a.ttf", "application/x-truetype-font", FONT)
        target.metadata["title"] = "A film"
        target.set_chapters(CHAPTERS)
        for stream, data, begin in ((words, _text(subtitles), 200), (picture, cover, 0)):
            if stream is not None:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = begin
                packet.duration = 400
                target.mux(packet)
        for packet in film.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    return out


def _text(codec: str | None) -> bytes:
    return (5).to_bytes(2, "big") + b"Hello" if codec == "mov_text" else b"Hello"
