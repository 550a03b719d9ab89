"""One clip on the page: its tracks as data URIs, video frame, plots and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from avspatial.media.audio import read_audio
from avspatial.report.parts.clip_plots import ClipAudio, TimePlot, level_plot, spectrogram_grid
from avspatial.report.parts.embedding import SHOWN_SECONDS, Track, audio_uri, data_uri, fit_budget, playback_gain
from avspatial.report.parts.numbers import MetricValues, decimals_for, heading, number
from avspatial.report.run.record import Record
from avspatial.report.run.table import metric_names
from avspatial.runs.outputs import MONO, PICTURE, PREDICTED, REFERENCE, TRUTH, read_truth


@dataclass(frozen=True)
class ClipView:
    """A clip of the page."""

    clip: str
    reason: str
    seconds: float
    total_seconds: float
    gain_db: float
    image: str | None
    has_truth: bool
    tracks: tuple[Track, ...]
    wide: TimePlot
    narrow: TimePlot
    spectrograms: Markup
    scores: tuple[MetricValues, ...]


def _load(folder: Path) -> tuple[ClipAudio, float]:
    """The audio, cut to the shown length, and the clip's full length in s."""
    (reference, rate), (prediction, _), (mono, _) = (read_audio(folder / name) for name in (REFERENCE, PREDICTED, MONO))
    shown = round(SHOWN_SECONDS * rate)
    return ClipAudio(reference[:, :shown], prediction[:, :shown], mono[:, :shown], rate), reference.shape[-1] / rate


def _scores(record: Record, clip: str) -> tuple[MetricValues, ...]:
    """The values of the model and of mono."""
    rows = []
    for metric in metric_names(record.summary):
        model, mono = (record.values(row, metric).get(clip) for row in ("model", "mono"))
        if model is None:
            continue
        decimals = min(3, decimals_for(model or mono or 0.0))
        values = number(model, decimals), number(mono, decimals)
        rows.append(MetricValues(heading(metric, record.summary.metrics[metric]), values))
    return tuple(rows)


def clip_view(record: Record, clip: str, reason: str, place: int) -> ClipView:
    """Read and draw one clip."""
    folder = record.run.outputs / clip
    audio, total_seconds = _load(folder)
    gain = playback_gain((audio.reference, audio.prediction, audio.mono))
    tracks = (
        ("reference", "Reference", "the true stereo", audio.reference),
        ("prediction", "Prediction", "the output of the model", audio.prediction),
        ("mono", "Mono", "the input of the model", audio.mono),
    )
    columns = {"Reference": audio.reference, "Prediction": audio.prediction}
    image = folder / PICTURE
    truth = read_truth(folder / TRUTH)
    return ClipView(
        clip=clip,
        reason=reason,
        seconds=audio.seconds,
        total_seconds=total_seconds,
        gain_db=20 * float(np.log10(gain)),
        image=data_uri("image/jpeg", image.read_bytes()) if image.is_file() else None,
        has_truth=truth is not None,
        tracks=tuple(Track(key, label, hint, audio_uri(x * gain, audio.rate)) for key, label, hint, x in tracks),
        wide=level_plot(audio, truth, f"level{place}w", clip, size=(920, 380 if truth else 300)),
        narrow=level_plot(audio, truth, f"level{place}n", clip, size=(400, 340 if truth else 260)),
        spectrograms=spectrogram_grid(columns, audio.rate, f"spectrogram{place}", clip),
        scores=_scores(record, clip),
    )


def clip_views(record: Record, chosen: Mapping[str, str], budget: int) -> tuple[list[ClipView], list[str]]:
    """The clips that fit into `budget` bytes, and the others with the reason (see `embedding.fit_budget`)."""
    return fit_budget(budget, chosen, lambda clip, place: clip_view(record, clip, chosen[clip], place))
