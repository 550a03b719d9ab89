"""The preview: one self-contained HTML file with players and plots of a binaural file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.io import encode_jpeg

from avspatial.media.frame_reader import read_on_grid
from avspatial.media.probe import media_info
from avspatial.media.video import frame_aspect
from avspatial.report.parts.clip_plots import Curve, TimePlot, draw_curves, label_sides, spans, time_extent
from avspatial.report.parts.embedding import Track, audio_uri, data_uri
from avspatial.report.parts.numbers import number
from avspatial.report.parts.svg import MONO, PREDICTION, TRUTH, figure, inline_svg, plain_axes
from avspatial.report.parts.template import render
from avspatial.report.preview.measure import PLAYED_SECONDS, Measurement
from avspatial.signal import stereo

VIDEO_BYTES = 8_000_000
"""A video up to this size is embedded; a larger one is shown as thumbnails."""
_VIDEO_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""Containers that browsers play."""
THUMBNAILS = 8
_THUMBNAIL_WIDTH = 200


@dataclass(frozen=True)
class EmbeddedVideo:
    """The video as a data URI, and its time at the first audio sample, s."""

    data: str
    offset: float


def preview_page(path: Path, measured: Measurement, original: tuple[Path, Measurement] | None = None) -> str:
    """The page of a stereo file; `original` is the file it was made from, as another track.

    Raises MediaError if video frames cannot be read. The page has at most about 40 MB (three minutes of audio).
    """
    facts = media_info(path)
    video, thumbnails = None, []
    if facts.video is not None:
        video = _embedded_video(path, measured)
        thumbnails = _thumbnails(path, measured)
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
        video=video,
        thumbnails=thumbnails,
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


def _embedded_video(path: Path, measured: Measurement) -> EmbeddedVideo | None:
    kind = _VIDEO_TYPES.get(path.suffix.lower())
    if kind is None or path.stat().st_size > VIDEO_BYTES:
        return None
    return EmbeddedVideo(data_uri(kind, path.read_bytes()), measured.start)


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
    active = np.abs(measured.level[~measured.quiet])
    limit = min(40.0, max(6.0, 1.12 * active.max(initial=0.0)))
    flat = Curve("mono", np.array([0.0, seconds]), np.zeros(2), MONO, width=1.4, dashes=(0, (4, 2)))
    curves: dict[Any, Sequence[Curve]] = {
        level: (flat, Curve("level", measured.times, measured.level, PREDICTION, width=1.7)),
        azimuth: (_azimuths(measured),),
    }
    for axes, members in curves.items():
        plain_axes(axes)
        draw_curves(axes, members, quiet, seconds)
        label_sides(axes)
    level.set(ylim=(-limit, limit), ylabel="left − right (dB)")
    azimuth.set(ylim=(-95, 95), yticks=(-90, -45, 0, 45, 90), ylabel="azimuth (°)", xlabel="time (s)")
    drawing.align_ylabels()
    description = (
        f"Level difference in decibel and estimated azimuth in degrees over {seconds:.1f} seconds; left is up."
    )
    svg = inline_svg(drawing, name, description)
    return TimePlot(svg, *time_extent(drawing, level))


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
