"""The preview: one self-contained HTML file to hear and see a binaural sound by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.io import encode_jpeg

from avspatial.media.frame_reader import FrameReader
from avspatial.media.probe import media_info
from avspatial.media.video import frame_aspect
from avspatial.report.parts.clip_plots import Curve, TimePlot, draw_curves, label_sides, spans, time_extent
from avspatial.report.parts.embedding import Source, audio_uri, data_uri
from avspatial.report.parts.numbers import number
from avspatial.report.parts.svg import MONO, PREDICTION, TRUTH, figure, inline_svg, plain_axes
from avspatial.report.parts.template import render
from avspatial.report.preview.measure import PLAYED_SECONDS, Measurement
from avspatial.signal import stereo

VIDEO_BYTES = 8_000_000
"""A video up to this size is in the page itself; a larger one shows as single pictures."""
_FILMS = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
"""The containers that browsers play."""
THUMBNAILS = 8
_THUMBNAIL_WIDTH = 200


@dataclass(frozen=True)
class EmbeddedVideo:
    """The video for the page: a data URI, and its time at the sound's first sample, s."""

    data: str
    offset: float


def preview_page(path: Path, measured: Measurement, original: tuple[Path, Measurement] | None = None) -> str:
    """The page of a stereo file; `original` is the file it was made from, to be heard beside it.

    MediaError for pictures that cannot be read. The page weighs at most about 40 MB: a minute of sound, three times.
    """
    facts = media_info(path)
    film, pictures = None, []
    if facts.video is not None:
        film = _film(path, measured)
        pictures = _thumbnails(path, measured)
    heard = min(PLAYED_SECONDS, measured.seconds)
    return render(
        "preview.html.j2",
        ("page.css", "preview.css"),
        "player.js",
        name=path.name,
        seconds=heard,
        whole_seconds=measured.seconds,
        facts=_facts(measured),
        levels=_levels(path, measured, original),
        summary=measured.summary(),
        film=film,
        pictures=pictures,
        sources=_sources(measured, original),
        wide=_plot(measured, heard, "wide", (920, 400)),
        narrow=_plot(measured, heard, "narrow", (400, 380)),
        whole=_plot(measured, measured.seconds, "whole", (920, 400)) if measured.seconds > heard else None,
    )


def _facts(measured: Measurement) -> list[tuple[str, str]]:
    minutes, seconds = divmod(round(measured.seconds, 1), 60)
    length = f"{minutes:.0f} min {seconds:.0f} s" if minutes else f"{seconds:.1f} s"
    return [("Length", length), ("Sample rate", f"{measured.rate} Hz")]


def _levels(
    path: Path, measured: Measurement, original: tuple[Path, Measurement] | None
) -> list[tuple[str, str, str, str]]:
    """Rows of the table of levels: whose, file, loudness, true peak."""
    rows = [("Binaural", path, measured)] + ([("Original", *original)] if original else [])
    return [
        (
            label,
            file.name,
            "none" if each.loudness is None else f"{number(each.loudness, 1)} LUFS",
            f"{number(each.peak, 1)} dBTP",
        )
        for label, file, each in rows
    ]


def _sources(measured: Measurement, original: tuple[Path, Measurement] | None) -> list[Source]:
    mono = stereo.mixture(measured.heard)[None] / 2
    heard = [
        ("prediction", "Binaural", "the file's own left and right", measured.heard, measured.rate),
        ("mono", "Mono", "the mean of left and right, on both ears", mono, measured.rate),
    ]
    if original is not None:
        heard.append(
            ("reference", "Original", "the file that was given as the original", original[1].heard, original[1].rate)
        )
    return [Source(key, label, hint, audio_uri(sound, rate)) for key, label, hint, sound, rate in heard]


def _film(path: Path, measured: Measurement) -> EmbeddedVideo | None:
    kind = _FILMS.get(path.suffix.lower())
    if kind is None or path.stat().st_size > VIDEO_BYTES:
        return None
    return EmbeddedVideo(data_uri(kind, path.read_bytes()), measured.start)


def _thumbnails(path: Path, measured: Measurement) -> list[str]:
    """Pictures from the middles of equal parts of what is heard, as data URIs."""
    part = min(PLAYED_SECONDS, measured.seconds) / THUMBNAILS
    size = max(8, round(_THUMBNAIL_WIDTH / frame_aspect(path))), _THUMBNAIL_WIDTH
    taken = list(FrameReader(path).on_grid(1 / part, size, THUMBNAILS, measured.start + part / 2))
    planes = (torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).contiguous() for picture in taken)
    return [data_uri("image/jpeg", encode_jpeg(each, 80).numpy().tobytes()) for each in planes]


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
    for axes, drawn in curves.items():
        plain_axes(axes)
        draw_curves(axes, drawn, quiet, seconds)
        label_sides(axes)
    level.set(ylim=(-limit, limit), ylabel="left − right (dB)")
    azimuth.set(ylim=(-95, 95), yticks=(-90, -45, 0, 45, 90), ylabel="azimuth (°)", xlabel="time (s)")
    drawing.align_ylabels()
    told = f"Level difference in decibel and estimated azimuth in degrees over {seconds:.1f} seconds; left is up."
    svg = inline_svg(drawing, name, told)
    return TimePlot(svg, *time_extent(drawing, level))


def _azimuths(measured: Measurement) -> Curve:
    """Steps of half a second, with gaps where nothing sounds."""
    times: list[float] = []
    values: list[float] = []
    for one in measured.directions:
        if times and one.start > times[-1]:
            times.append(one.start)
            values.append(np.nan)
        times += [one.start, one.end]
        values += [one.azimuth, one.azimuth]
    return Curve("azimuth", np.array(times), np.array(values), TRUTH, width=1.7)
