"""The clips of a comparison page: which are shown, and what is heard and drawn of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from markupsafe import Markup

from avspatial.errors import MediaError
from avspatial.evaluation.comparison.compare import Comparison, SystemPair
from avspatial.media.audio import read_audio
from avspatial.media.resample import resample
from avspatial.report.comparison.plots import clip_curves, curves_plot
from avspatial.report.parts.clip_plots import TimePlot, spectrogram_grid
from avspatial.report.parts.embedding import SECONDS, audio_uri, data_uri, fit_budget, total_bytes
from avspatial.report.parts.numbers import DIRECTION, decimals_for, number, signed
from avspatial.signal import stereo

_HIGHEST_KEY = 9
_SPECTROGRAMS = 4
"""Systems whose spectrograms are drawn: more would be too small to see anything."""


@dataclass(frozen=True)
class Track:
    """One of the sounds of a player. `place` is the system's in the comparison, None for reference and mono."""

    key: str
    label: str
    hint: str
    data: str
    file: str
    place: int | None = None


@dataclass(frozen=True)
class MissingTrack:
    """A sound that cannot be heard, and why: of the system in that place, or of the reference (None)."""

    label: str
    why: str
    place: int | None = None


@dataclass(frozen=True)
class MetricValues:
    """One metric of a clip: every system's number, and which is best."""

    metric: str
    unit: str
    arrow: str
    values: tuple[str, ...]
    best: int | None


@dataclass(frozen=True)
class Player:
    """The takes of a clip, and its curves and spectrograms."""

    seconds: float
    whole_seconds: float
    gain_db: float
    tracks: tuple[Track, ...]
    wide: TimePlot
    narrow: TimePlot
    spectrograms: Markup


@dataclass(frozen=True)
class ComparedClip:
    """Everything the page shows of a clip; no player where there is no reference to hear the systems against."""

    anchor: str
    clip: str
    reasons: tuple[str, ...]
    picture: str | None
    player: Player | None
    missing: tuple[MissingTrack, ...]
    lines: tuple[MetricValues, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes this clip adds to the page."""
        if self.player is None:
            return total_bytes(self.picture)
        drawn = self.player.wide.svg, self.player.narrow.svg, self.player.spectrograms
        return total_bytes(*drawn, self.picture, *(take.data for take in self.player.tracks))


def order_metric(comparison: Comparison, wanted: str | None) -> str:
    """The metric that chooses clips: the one asked for, or the first that has a better and a worse."""
    directed = [m for m, facts in comparison.metrics.items() if facts.get("higher_is_better") is not None]
    return wanted or (directed or list(comparison.metrics))[0]


def select_clips(comparison: Comparison, metric: str, count: int) -> dict[str, list[str]]:
    """{clip: why it is shown}: in turn each pair's best and worst by the paired difference, up to `count` clips."""
    pairs = [pair for pair in comparison.pairs if pair.metric == metric]
    higher = comparison.metrics[metric].get("higher_is_better")
    chosen: dict[str, list[str]] = {}
    for clip, reason, telling in _candidates(pairs, higher):
        if clip not in chosen and len(chosen) < count:
            chosen[clip] = [reason]
        elif clip in chosen and telling:
            chosen[clip].append(reason)
    return chosen


def _candidates(pairs: list[SystemPair], higher_is_better: bool | None) -> Iterator[tuple[str, str, bool]]:
    """Clips, reasons, and whether it is the best or worst of all: of every pair in turn the best, the worst, the second
    best, the second worst, ..."""
    words = ("highest", "lowest") if higher_is_better is None else ("best", "worst")
    sign = 1 if higher_is_better is False else -1
    ranked = [(pair, _ranked(pair, sign)) for pair in pairs]
    for depth in range(max((len(order) for _, order in ranked), default=0)):
        for pair, order in ranked:
            for word, clip in zip(words, _ends(order, depth), strict=False):
                yield clip, _reason(pair, clip, depth, word), depth == 0


def _ends(order: list[str], depth: int) -> list[str]:
    """The clips so far from either end; one where the two meet, none beyond."""
    return order[depth : len(order) - depth][:1] + order[depth + 1 : len(order) - depth][-1:]


def _ranked(pair: SystemPair, sign: int) -> list[str]:
    """The pair's clips, best first if sign is 1 and less is better."""
    return sorted(pair.differences, key=lambda clip: (sign * pair.differences[clip], clip))


def _reason(pair: SystemPair, clip: str, depth: int, word: str) -> str:
    rank = f"{_ordinal(depth + 1)} " if depth else ""
    difference = pair.differences[clip]
    return f"{rank}{word} for {pair.a} against {pair.b} ({signed(difference, decimals_for(difference))})"


def _ordinal(place: int) -> str:
    return {2: "second", 3: "third"}.get(place, f"{place}th")


@dataclass(frozen=True)
class _Heard:
    """Sounds of one length and rate, (2, T) each: the reference and, by place, the systems."""

    reference: np.ndarray
    systems: Mapping[int, np.ndarray]
    rate: int
    whole: float

    @property
    def mono(self) -> np.ndarray:
        return stereo.mixture(self.reference)[None] / 2


def _at(path: Path | None, rate: int | None = None) -> tuple[np.ndarray, int]:
    """The two channels of a file, at `rate` if given; MediaError for other than two, and where there is no file."""
    if path is None:
        raise MediaError("no sound was saved")
    sound, own = read_audio(path)
    if len(sound) != 2:
        raise MediaError(f"{len(sound)} channels; left and right are needed", where=path)
    return (sound, own) if rate is None or rate == own else (resample(sound, own, rate), rate)


def _hear(comparison: Comparison, key: str) -> tuple[_Heard | None, tuple[MissingTrack, ...]]:
    """The sounds of a clip from the first run of each system, and those that are missing or unreadable; None where the
    reference is."""
    clips = [one.clips[key] for one in comparison.systems]
    try:
        reference, rate = _at(next((clip.reference for clip in clips if clip.reference is not None), None))
    except MediaError as error:
        return None, (MissingTrack("Reference", error.what),)
    sounds, silent = {}, []
    for place, (clip, one) in enumerate(zip(clips, comparison.systems, strict=True)):
        try:
            if place >= _HIGHEST_KEY - 2:
                raise MediaError(f"a player has room for {_HIGHEST_KEY - 2} systems")
            sounds[place] = _at(clip.predicted, rate)[0]
        except MediaError as error:
            silent.append(MissingTrack(one.name, error.what, place))
    shared = min(sound.shape[-1] for sound in (reference, *sounds.values()))
    kept = min(shared, round(SECONDS * rate))
    heard = _Heard(reference[:, :kept], {p: s[:, :kept] for p, s in sounds.items()}, rate, shared / rate)
    return heard, tuple(silent)


def _tracks(comparison: Comparison, key: str, heard: _Heard, gain: float) -> tuple[Track, ...]:
    stem = key.replace("/", "-")
    reference = audio_uri(heard.reference * gain, heard.rate)
    mono = audio_uri(heard.mono * gain, heard.rate)
    takes = [
        Track("reference", "Reference", "the true stereo", reference, f"{stem}-reference.flac"),
        Track("mono", "Mono", "what every system heard", mono, f"{stem}-mono.flac"),
    ]
    for place, sound in heard.systems.items():
        name = comparison.systems[place].name
        data = audio_uri(sound * gain, heard.rate)
        takes.append(Track(f"system{place}", name, f"what {name} made of it", data, f"{stem}-{name}.flac", place))
    return tuple(takes)


def _lines(comparison: Comparison, key: str) -> tuple[MetricValues, ...]:
    lines = []
    for metric, facts in comparison.metrics.items():
        values = [one.values(metric).get(key) for one in comparison.systems]
        known = [value for value in values if value is not None]
        if not known:
            continue
        digits = min(3, decimals_for(min(known, key=abs) or max(known, key=abs)))
        higher = facts.get("higher_is_better")
        best = None if higher is None else (max if higher else min)(known)
        place = values.index(best) if best is not None and known.count(best) == 1 and len(known) > 1 else None
        shown = tuple(number(value, digits) for value in values)
        lines.append(MetricValues(metric, facts.get("unit") or "", DIRECTION[higher][0], shown, place))
    return tuple(lines)


def _player(comparison: Comparison, key: str, heard: _Heard, place: int) -> Player:
    """The sounds keep their levels, lowered together where one would clip at 16 bit."""
    peak = max(float(np.abs(sound).max(initial=0.0)) for sound in (heard.reference, *heard.systems.values()))
    gain = min(1.0, 0.999 / peak) if peak else 1.0
    curves = clip_curves(heard.reference, heard.systems, heard.rate)
    drawn = {comparison.systems[p].name: sound for p, sound in list(heard.systems.items())[:_SPECTROGRAMS]}
    return Player(
        seconds=curves.seconds,
        whole_seconds=heard.whole,
        gain_db=20 * float(np.log10(gain)),
        tracks=_tracks(comparison, key, heard, gain),
        wide=curves_plot(curves, f"curves{place}w", key, wide=True),
        narrow=curves_plot(curves, f"curves{place}n", key, wide=False),
        spectrograms=spectrogram_grid({"Reference": heard.reference, **drawn}, heard.rate, f"spectrogram{place}", key),
    )


def compared_clip(comparison: Comparison, key: str, reasons: Sequence[str], place: int) -> ComparedClip:
    """Read and draw one clip; what cannot be heard of it is named in the player's place."""
    heard, silent = _hear(comparison, key)
    picture = next((p for one in comparison.systems if (p := one.clips[key].picture) is not None and p.is_file()), None)
    return ComparedClip(
        anchor=f"clip-{place}",
        clip=key,
        reasons=tuple(reasons),
        picture=data_uri("image/jpeg", picture.read_bytes()) if picture is not None else None,
        player=_player(comparison, key, heard, place) if heard is not None else None,
        missing=silent,
        lines=_lines(comparison, key),
    )


def compared_clips(
    comparison: Comparison, chosen: Mapping[str, list[str]], budget: int
) -> tuple[list[ComparedClip], list[str]]:
    """The clips that fit in `budget` bytes, and for each one left out its id and why (see `embedding.fit_budget`)."""
    making = (
        (key, partial(compared_clip, comparison, key, reasons, place))
        for place, (key, reasons) in enumerate(chosen.items(), 1)
    )
    return fit_budget(budget, making)
