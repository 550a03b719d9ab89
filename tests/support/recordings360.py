"""360-degree recordings of one source whose direction is known, made of real files."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from avspatial.signal.ambisonics import encode

RATE = 48000
LAYOUTS = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1"}
MEDIA = Path(__file__).resolve().parents[2] / ".." / "shared" / "media"


def media(name: str) -> Path:
    """A file or folder of the collection of real media; the test is skipped where it is absent."""
    path = (MEDIA / name).resolve()
    if not path.exists():
        pytest.skip(f"needs the real media {name}, which are not part of the project")
    return path


def voice(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """(T,): noise with less and less above 500 Hz, whose level moves."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum /= 1 + np.fft.rfftfreq(count, 1 / rate) / 500
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(count) / rate)
    sound = np.fft.irfft(spectrum, count) * swell
    return 0.1 * sound / np.std(sound)


def room(seconds: float, seed: int = 1, level: float = 0.01) -> np.ndarray:
    """(4, T): waves from everywhere, so that no channel is dead and nothing is perfectly direct."""
    waves = [(azimuth, elevation) for elevation in (-40, 0, 40) for azimuth in range(0, 360, 40)]
    sounds = (voice(seconds, seed * 100 + number) for number in range(len(waves)))
    return level * 10 * sum(encode(sound, *wave) for sound, wave in zip(sounds, waves, strict=True)) / len(waves) ** 0.5


def field(azimuth: float, seconds: float, elevation: float = 0.0, seed: int = 0) -> np.ndarray:
    """(4, T) float32: a source at an azimuth in a room."""
    return (encode(voice(seconds, seed), azimuth, elevation) + room(seconds, seed + 1)).astype(np.float32)


def panorama(azimuth: float, height: int = 128, elevation: float = 0.0) -> np.ndarray:
    """(H, 2 H, 3) uint8: a bright disc of 6 degrees at a direction, over dark grey."""
    width = 2 * height
    at = np.radians(360 * (0.5 - (np.arange(width) + 0.5) / width) - azimuth)
    up = np.radians(180 * (0.5 - (np.arange(height) + 0.5) / height))[:, None]
    near = np.sin(up) * np.sin(np.radians(elevation)) + np.cos(up) * np.cos(np.radians(elevation)) * np.cos(at)
    disc = np.clip((near - np.cos(np.radians(7))) / (np.cos(np.radians(5)) - np.cos(np.radians(7))), 0, 1)
    return np.round(30 + 200 * disc[..., None] * np.ones(3)).astype(np.uint8)


def centre(image: np.ndarray) -> float:
    """Column of the middle of the bright disc in an image (H, W, 3), counted from its left edge."""
    bright = np.clip(image.astype(float).mean(-1) - 60, 0, None)
    return float((bright.sum(0) * (np.arange(image.shape[1]) + 0.5)).sum() / bright.sum())


def write_recording(
    path: Path,
    sound: np.ndarray | None,
    images: Sequence[np.ndarray] | None,
    codec: str = "flac",
    fps: int = 10,
    rate: int = RATE,
    layout: str = "",
    **options: str,
) -> Path:
    """One file of sound (C, T) and images; None leaves a stream out. 6 channels are in FFmpeg's order of 5.1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        shown = container.add_stream("libx264", rate=fps, options={"threads": "1", "crf": "12"}) if images else None
        if shown is not None and images:
            shown.height, shown.width, shown.pix_fmt = *images[0].shape[:2], "yuv420p"
        track: Any = None
        if sound is not None:
            track = container.add_stream(codec, rate=rate, layout=layout or LAYOUTS[len(sound)], options=options)
            track.bit_rate = 128_000 * len(sound)
        for number, image in enumerate(images or ()):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number
            frame.time_base = Fraction(1, fps)
            container.mux(shown.encode(frame))
        if shown is not None:
            container.mux(shown.encode())
        if sound is not None:
            _write_track(container, track, sound, rate)
    return path


def _write_track(container: Any, track: Any, sound: np.ndarray, rate: int) -> None:
    format_ = track.codec_context.codec.audio_formats[0].name
    convert = av.AudioResampler(format=format_, layout=track.layout.name, rate=rate)
    for start in range(0, sound.shape[1], 4800):
        part = np.ascontiguousarray(sound[:, start : start + 4800], np.float32)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=track.layout.name)
        frame.rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
        for converted in convert.resample(frame):
            container.mux(track.encode(converted))
    container.mux(track.encode())


def in_aac_carrier(sound: np.ndarray) -> np.ndarray:
    """A field (4, T) as YouTube's format 327: W, X, Y, Z in the order of AAC's bitstream, which is FC, FL, FR, BL to
    FFmpeg; the two other channels hold noise."""
    six = np.random.default_rng(0).standard_normal((6, sound.shape[1])).astype(np.float32) * 0.01
    six[[2, 0, 1, 4]] = sound[[0, 3, 1, 2]]
    return six
