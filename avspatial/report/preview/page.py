"""The preview: one self-contained HTML file with players and plots of a binaural file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision.io import encode_jpeg

from avspatial.media.frame_reader import read_on_grid
from avspatial.media.probe import media_info
from avspatial.media.video import frame_aspect
from avspatial.report.parts.clip_plots import Curve, TimePlot, draw_curves, level_limit, spans, time_plot
from avspatial.report.parts.embedding import Track, audio_uri, data_uri
from avspatial.report.parts.numbers import number
from avspatial.report.parts.svg import MONO, PREDICTION, TRUTH, figure
from avspatial.report.parts.template import render
from avspatial.report.preview.measure import PLAYED_SECONDS, Measurement
from avspatial.signal import stereo

VIDEO_BYTES = 8_000_000
"""A video up to this size is embedded; a larger one is shown as thumbnails."""
_VIDEO_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Containers that browsers play."""
THUMBNAILS = 8
_THUMBNAIL_WIDTH = 200


def preview_page(path: Path, measured: Measurement, original: tuple[Path, Measurement] | None = None) -> str:
    """The page of a stereo file; `original` is the file it was made from, as another track.

    Raises MediaError if video frames cannot be read. The page has at most about 40 MB (three minutes of audio).
    """
    has_video = media_info(path).video is not None
    shown = min(PLAYED_SECONDS, measured.seconds)
    return render(
        "preview.html.j2",
        ("page.css", "preview.css"),
        "player.js",
        name=path.name,
        seconds=shown,
        total_seconds=measured.seconds,
        facts=_facts(measured),
        levels=_levels(path, measured, original),
        summary=measured.summary(),
        video=_embedded_video(path) if has_video else None,
        video_offset=measured.start,
        thumbnails=_thumbnails(path, measured) if has_video else (),
        tracks=_tracks(measured, original),
        wide=_plot(measured, shown, "wide", (920, 400)),
        narrow=_plot(measured, shown, "narrow", (400, 380)),
        full=_plot(measured, measured.seconds, "full", (920, 400)) if measured.seconds > shown else None,
    )


def _facts(measured: Measurement) -> list[tuple[str, str]]:
    minutes, seconds = divmod(round(measured.seconds, 1), 60)
    length = f"{minutes:.0f} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"
    return [("Length", length), ("Sample rate", f"{measured.rate} Hz")]


def _levels(
    path: Path, measured: Measurement, original: tuple[Path, Measurement] | None
) -> list[tuple[str, str, str, str]]:
    """Rows of the level table: label, file, loudness, true peak."""
    rows = [("Binaural", path, measured)] + ([("Original", *original)] if original else [])
    return [
        (
            label,
            file.name,
            "none" if of.loudness is None else f"{number(of.loudness, 1)} LUFS",
            f"{number(of.peak, 1)} dBTP",
        )
        for label, file, of in rows
    ]


def _tracks(measured: Measurement, original: tuple[Path, Measurement] | None) -> list[Track]:
    mono = stereo.to_mono(measured.excerpt)[None]
    tracks = [
        ("prediction", "Binaural", "the file's own left and right", measured.excerpt, measured.rate),
        ("mono", "Mono", "the mean of left and right, on both ears", mono, measured.rate),
    ]
    if original is not None:
        tracks.append(("reference", "Original", "the original file", original[1].excerpt, original[1].rate))
    return [Track(key, label, hint, audio_uri(audio, rate)) for key, label, hint, audio, rate in tracks]


def _embedded_video(path: Path) -> str | None:
    """The video as a data URI."""
    kind = _VIDEO_TYPES.get(path.suffix.lower())
    return data_uri(kind, path.read_bytes()) if kind and path.stat().st_size <= VIDEO_BYTES else None


def _thumbnails(path: Path, measured: Measurement) -> list[str]:
    """Video frames from the middles of equal parts of the shown seconds, as data URIs."""
    part = min(PLAYED_SECONDS, measured.seconds) / THUMBNAILS
    size = max(8, round(_THUMBNAIL_WIDTH / frame_aspect(path))), _THUMBNAIL_WIDTH
    frames = read_on_grid(path, 1 / part, size, THUMBNAILS, measured.start + part / 2)
    images = (torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1).contiguous() for frame in frames)
    return [data_uri("image/jpeg", encode_jpeg(image, 80).numpy().tobytes()) for image in images]


def _plot(measured: Measurement, seconds: float, name: str, size: tuple[int, int]) -> TimePlot:
    """Level difference above, azimuth below, up to `seconds`; left is up in both."""
    drawing = figure(*size)
    level, azimuth = drawing.subplots(2, 1, sharex=True)
    quiet = spans(measured.quiet, measured.times)
    flat = Curve("mono", np.array([0.0, seconds]), np.zeros(2), MONO, width=1.4, dashes=(0, (4, 2)))
    curve = Curve("level", measured.times, measured.level, PREDICTION, width=1.7)
    limit = level_limit([curve], ~measured.quiet)
    draw_curves(level, (flat, curve), quiet, seconds, limit=limit, label="left − right (dB)")
    draw_curves(azimuth, (_azimuths(measured),), quiet, seconds, limit=95, label="azimuth (°)")
    azimuth.set_yticks((-90, -45, 0, 45, 90))
    description = (
        f"Level difference in decibel and estimated azimuth in degrees over {seconds:.1f} seconds; left is up."
    )
    return time_plot(drawing, azimuth, name, description)


def _azimuths(measured: Measurement) -> Curve:
    """Steps of half a second, with gaps where the file is quiet."""
    times: list[float] = []
    values: list[float] = []
    for direction in measured.directions:
        if times and direction.start > times[-1]:
            times.append(direction.start)
            values.append(np.nan)
        times += [direction.start, direction.end]
        values += [direction.azimuth, direction.azimuth]
    return Curve("azimuth", np.array(times), np.array(values), TRUTH, width=1.7)
