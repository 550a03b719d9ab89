"""What the page shows of one clip: its sounds as data URIs, its picture, its plots and its scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from markupsafe import Markup

from avspatial.interfaces import Truth
from avspatial.media.audio import read_audio
from avspatial.report.parts.clip_plots import ClipAudio, TimePlot, level_plot, spectrogram_plot
from avspatial.report.parts.embedding import SECONDS, Source, audio_uri, data_uri, fit_budget, total_bytes
from avspatial.report.parts.numbers import decimals_for, number
from avspatial.report.run.clip_choice import Choice
from avspatial.report.run.record import Record
from avspatial.report.run.table import heading, metric_names
from avspatial.runs.outputs import MONO, PICTURE, PREDICTED, REFERENCE, TRUTH


@dataclass(frozen=True)
class MetricScore:
    """One metric of one clip: the model's number beside the mono row's."""

    metric: str
    unit: str
    arrow: str
    model: str
    mono: str


@dataclass(frozen=True)
class ClipView:
    """Everything the page shows of a clip."""

    clip: str
    reason: str
    seconds: float
    whole_seconds: float
    gain_db: float
    picture: str | None
    has_truth: bool
    sources: tuple[Source, ...]
    wide: TimePlot
    narrow: TimePlot
    spectrograms: Markup
    scores: tuple[MetricScore, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes this clip adds to the page."""
        drawn = self.wide.svg, self.narrow.svg, self.spectrograms
        return total_bytes(*drawn, self.picture, *(source.data for source in self.sources))


def _load(folder: Path) -> tuple[ClipAudio, float]:
    """The three sounds, cut to what the page shows, and the clip's whole length in s."""
    (reference, rate), (prediction, _), (mono, _) = (read_audio(folder / name) for name in (REFERENCE, PREDICTED, MONO))
    kept = round(SECONDS * rate)
    return ClipAudio(reference[:, :kept], prediction[:, :kept], mono[:, :kept], rate), reference.shape[-1] / rate


def _truth(folder: Path) -> Truth | None:
    path = folder / TRUTH
    if not path.is_file():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    return Truth(float(said["rate"]), np.array(said["azimuth"], float), np.array(said["energy"], float))


def _scores(record: Record, clip: str) -> tuple[MetricScore, ...]:
    rows = []
    for metric in metric_names(record.summary):
        model, mono = (record.values(row, metric).get(clip) for row in ("model", "mono"))
        if model is None:
            continue
        head = heading(record, metric)
        decimals = min(3, decimals_for(model or mono or 0.0))
        rows.append(MetricScore(metric, head.unit, head.arrow, number(model, decimals), number(mono, decimals)))
    return tuple(rows)


def clip_view(record: Record, choice: Choice, place: int) -> ClipView:
    """Read and draw one clip; its sounds keep their levels, lowered together where one would clip at 16 bit."""
    folder = record.run.outputs / choice.clip
    sounds, whole = _load(folder)
    peak = max(float(np.abs(sound).max(initial=0.0)) for sound in (sounds.reference, sounds.prediction, sounds.mono))
    gain = min(1.0, 0.999 / peak) if peak else 1.0
    heard = (
        ("reference", "Reference", "the true stereo", sounds.reference),
        ("prediction", "Prediction", "what the model made of the mono sound", sounds.prediction),
        ("mono", "Mono", "what the model heard", sounds.mono),
    )
    picture = folder / PICTURE
    truth = _truth(folder)
    return ClipView(
        clip=choice.clip,
        reason=choice.reason,
        seconds=sounds.seconds,
        whole_seconds=whole,
        gain_db=20 * float(np.log10(gain)),
        picture=data_uri("image/jpeg", picture.read_bytes()) if picture.is_file() else None,
        has_truth=truth is not None,
        sources=tuple(Source(key, label, hint, audio_uri(x * gain, sounds.rate)) for key, label, hint, x in heard),
        wide=level_plot(sounds, truth, f"level{place}w", choice.clip, size=(920, 380 if truth else 300)),
        narrow=level_plot(sounds, truth, f"level{place}n", choice.clip, size=(400, 340 if truth else 260)),
        spectrograms=spectrogram_plot(sounds, f"spectrogram{place}", choice.clip),
        scores=_scores(record, choice.clip),
    )


def clip_views(record: Record, choices: Sequence[Choice], budget: int) -> tuple[list[ClipView], list[str]]:
    """The clips that fit in `budget` bytes, and for each one left out its id and why (see `embedding.fit_budget`)."""
    making = ((choice.clip, partial(clip_view, record, choice, place)) for place, choice in enumerate(choices))
    return fit_budget(budget, making)
