"""Clips on a comparison page: their selection, audio, curves and scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from avspatial.errors import MediaError
from avspatial.evaluation.comparison.compare import Comparison, SystemPair
from avspatial.media.audio import read_audio
from avspatial.media.resample import resample
from avspatial.report.comparison.plots import clip_curves, curves_plot
from avspatial.report.parts.clip_plots import TimePlot, spectrogram_grid
from avspatial.report.parts.embedding import SHOWN_SECONDS, Track, audio_uri, data_uri, fit_budget, playback_gain
from avspatial.report.parts.numbers import MetricValues, decimals_for, heading, number, signed
from avspatial.signal import stereo

_MOST_SYSTEMS = 7
"""Systems in a player: its keys are 1 to 9, two of them for the reference and mono."""
_MOST_SPECTROGRAMS = 4
"""Systems whose spectrograms are drawn; more would be too small to read."""


@dataclass(frozen=True)
class MissingTrack:
    """A track that cannot be played: of the system at index `place`, or of the reference (None)."""

    label: str
    reason: str
    place: int | None = None


@dataclass(frozen=True)
class Player:
    """The tracks, curves and spectrograms of a clip."""

    seconds: float
    total_seconds: float
    gain_db: float
    tracks: tuple[Track, ...]
    wide: TimePlot
    narrow: TimePlot
    spectrograms: Markup


@dataclass(frozen=True)
class ComparedClip:
    """A clip of the page; `player` is None if the clip has no reference."""

    anchor: str
    clip: str
    reasons: tuple[str, ...]
    image: str | None
    player: Player | None
    missing: tuple[MissingTrack, ...]
    metrics: tuple[MetricValues, ...]


def order_metric(comparison: Comparison, wanted: str | None) -> str:
    """The metric that selects clips: `wanted`, or the first one with a direction."""
    directed = [name for name, info in comparison.metrics.items() if info.higher_is_better is not None]
    return wanted or (directed or list(comparison.metrics))[0]


def select_clips(comparison: Comparison, metric: str, count: int) -> dict[str, list[str]]:
    """{clip: reasons}: in turn each pair's best and worst clip by the paired difference, up to `count` clips."""
    pairs = [pair for pair in comparison.pairs if pair.metric == metric]
    higher = comparison.metrics[metric].higher_is_better
    selected: dict[str, list[str]] = {}
    for clip, reason, extreme in _candidates(pairs, higher):
        if clip not in selected and len(selected) < count:
            selected[clip] = [reason]
        elif clip in selected and extreme:
            selected[clip].append(reason)
    return selected


def _candidates(pairs: list[SystemPair], higher_is_better: bool | None) -> Iterator[tuple[str, str, bool]]:
    """Clip, reason, and whether it is the pair's best or worst; in the order best of every pair, worst, second best."""
    words = ("highest", "lowest") if higher_is_better is None else ("best", "worst")
    sign = 1 if higher_is_better is False else -1
    rankings = [(pair, _ranking(pair, sign)) for pair in pairs]
    for depth in range(max((len(ranking) for _, ranking in rankings), default=0)):
        for pair, ranking in rankings:
            for word, clip in zip(words, _ends(ranking, depth), strict=False):
                yield clip, _reason(pair, clip, depth, word), depth == 0


def _ranking(pair: SystemPair, sign: int) -> list[str]:
    return sorted(pair.differences, key=lambda clip: (sign * pair.differences[clip], clip))


def _ends(ranking: list[str], depth: int) -> list[str]:
    """The clips `depth` places from the two ends: one clip where the ends meet, none beyond."""
    return ranking[depth : len(ranking) - depth][:1] + ranking[depth + 1 : len(ranking) - depth][-1:]


def _reason(pair: SystemPair, clip: str, depth: int, word: str) -> str:
    rank = f"{_ordinal(depth + 1)} " if depth else ""
    difference = pair.differences[clip]
    return f"{rank}{word} for {pair.a} against {pair.b} ({signed(difference, decimals_for(difference))})"


def _ordinal(place: int) -> str:
    return {2: "second", 3: "third"}.get(place, f"{place}th")


@dataclass(frozen=True)
class _LoadedAudio:
    """The reference and, by place, the systems, (2, T) each, cut to the shown length; `total_seconds` is uncut."""

    reference: np.ndarray
    systems: Mapping[int, np.ndarray]
    rate: int
    total_seconds: float

    @property
    def mono(self) -> np.ndarray:
        return stereo.to_mono(self.reference)[None]


def _read_stereo(path: Path | None, rate: int | None = None) -> tuple[np.ndarray, int]:
    """Audio (2, T) of a file, at `rate` if given; MediaError if there is no file or it has not two channels."""
    if path is None:
        raise MediaError("no audio was saved")
    audio, file_rate = read_audio(path)
    if len(audio) != 2:
        raise MediaError(f"{len(audio)} channels; left and right are needed", where=path)
    return (audio, file_rate) if rate is None or rate == file_rate else (resample(audio, file_rate, rate), rate)


def _load(comparison: Comparison, key: str) -> tuple[_LoadedAudio | None, tuple[MissingTrack, ...]]:
    """Audio of a clip from the first run of each system, and the missing tracks; None without a reference."""
    clips = [system.clips[key] for system in comparison.systems]
    try:
        reference, rate = _read_stereo(next((clip.reference for clip in clips if clip.reference is not None), None))
    except MediaError as error:
        return None, (MissingTrack("Reference", error.what),)
    systems, missing = {}, []
    for place, (clip, system) in enumerate(zip(clips, comparison.systems, strict=True)):
        try:
            if place >= _MOST_SYSTEMS:
                raise MediaError(f"a player has room for {_MOST_SYSTEMS} systems")
            systems[place] = _read_stereo(clip.predicted, rate)[0]
        except MediaError as error:
            missing.append(MissingTrack(system.name, error.what, place))
    shared = min(audio.shape[-1] for audio in (reference, *systems.values()))
    shown = min(shared, round(SHOWN_SECONDS * rate))
    cut = {place: audio[:, :shown] for place, audio in systems.items()}
    return _LoadedAudio(reference[:, :shown], cut, rate, shared / rate), tuple(missing)


def _tracks(comparison: Comparison, key: str, audio: _LoadedAudio, gain: float) -> tuple[Track, ...]:
    stem = key.replace("/", "-")
    reference, mono = (audio_uri(x * gain, audio.rate) for x in (audio.reference, audio.mono))
    tracks = [
        Track("reference", "Reference", "the true stereo", reference, f"{stem}-reference.flac"),
        Track("mono", "Mono", "the input of every system", mono, f"{stem}-mono.flac"),
    ]
    for place, system in audio.systems.items():
        name = comparison.systems[place].name
        data = audio_uri(system * gain, audio.rate)
        tracks.append(Track(f"system{place}", name, f"the output of {name}", data, f"{stem}-{name}.flac", place))
    return tuple(tracks)


def _metric_values(comparison: Comparison, key: str) -> tuple[MetricValues, ...]:
    rows = []
    for metric, info in comparison.metrics.items():
        values = [system.values(metric).get(key) for system in comparison.systems]
        present = [value for value in values if value is not None]
        if not present:
            continue
        digits = min(3, decimals_for(min(present, key=abs) or max(present, key=abs)))
        higher = info.higher_is_better
        best = None if higher is None else (max if higher else min)(present)
        place = values.index(best) if best is not None and present.count(best) == 1 and len(present) > 1 else None
        shown = tuple(number(value, digits) for value in values)
        rows.append(MetricValues(heading(metric, info), shown, place))
    return tuple(rows)


def _player(comparison: Comparison, key: str, audio: _LoadedAudio, place: int) -> Player:
    gain = playback_gain((audio.reference, *audio.systems.values()))
    curves = clip_curves(audio.reference, audio.systems, audio.rate)
    systems = list(audio.systems.items())[:_MOST_SPECTROGRAMS]
    columns = {"Reference": audio.reference} | {comparison.systems[index].name: x for index, x in systems}
    return Player(
        seconds=curves.seconds,
        total_seconds=audio.total_seconds,
        gain_db=20 * float(np.log10(gain)),
        tracks=_tracks(comparison, key, audio, gain),
        wide=curves_plot(curves, f"curves{place}w", key, wide=True),
        narrow=curves_plot(curves, f"curves{place}n", key, wide=False),
        spectrograms=spectrogram_grid(columns, audio.rate, f"spectrogram{place}", key),
    )


def compared_clip(comparison: Comparison, key: str, reasons: Sequence[str], place: int) -> ComparedClip:
    """Read and draw one clip; tracks that cannot be played are listed as missing."""
    audio, missing = _load(comparison, key)
    images = (system.clips[key].picture for system in comparison.systems)
    image = next((path for path in images if path is not None and path.is_file()), None)
    return ComparedClip(
        anchor=f"clip-{place}",
        clip=key,
        reasons=tuple(reasons),
        image=data_uri("image/jpeg", image.read_bytes()) if image is not None else None,
        player=_player(comparison, key, audio, place) if audio is not None else None,
        missing=missing,
        metrics=_metric_values(comparison, key),
    )


def compared_clips(
    comparison: Comparison, selected: Mapping[str, list[str]], budget: int
) -> tuple[list[ComparedClip], list[str]]:
    """The clips that fit into `budget` bytes, and the others with the reason (see `embedding.fit_budget`)."""
    return fit_budget(budget, selected, lambda key, place: compared_clip(comparison, key, selected[key], place))
