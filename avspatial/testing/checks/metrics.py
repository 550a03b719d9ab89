"""Conformance checks of metrics, on a clip of one source that moves from left to right, and distortions of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from avspatial.interfaces import Convention, Truth
from avspatial.metrics.conventions import normalized
from avspatial.signal import stereo
from avspatial.signal.head import SphericalHead, render
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import NotApplicable, require

CONVENTION = Convention()
"""Rate and normalisation of all scores."""
SECONDS = 1.5
TRACK = (50.0, -30.0)
"""First and last azimuth of the source, degrees."""
SAME = 0.05
"""Changes count as none up to this share of the change of the worst prediction."""
NOISE = (-20.0, 0.0, 20.0)
"""Levels of added noise in dB relative to the clip."""
INVARIANCES = ("gain", "delay")

Array = np.ndarray[Any, np.dtype[np.float64]]


def _clip(rate: int) -> tuple[Array, Truth]:
    """Amplitude-modulated noise, rendered along the track: stereo (2, T), and its true angles."""
    samples = round(SECONDS * rate)
    rng = np.random.default_rng(0)
    time = np.arange(samples) / rate
    dry = 0.1 * rng.standard_normal(samples) * (1.2 + np.sin(2 * np.pi * 3 * time))
    columns = 20
    azimuths = np.linspace(*TRACK, columns)
    energy = np.square(dry).reshape(columns, -1).mean(-1)
    audio = render(dry, azimuths, rate, SphericalHead())
    return audio, Truth(columns / SECONDS, azimuths[None], energy[None])


@dataclass(frozen=True)
class _MetricHarness:
    """A metric, the clip, and scores of the clip's distortions."""

    component: ComponentUnderTest

    @cached_property
    def metric(self) -> Any:
        return self.component.build(convention=CONVENTION)

    @cached_property
    def clip(self) -> tuple[Array, Truth]:
        return _clip(CONVENTION.rate)

    @property
    def audio(self) -> Array:
        return self.clip[0]

    def score(self, prediction: Array, reference: Array | None = None, truth: Truth | None = None) -> dict[str, float]:
        """The metric's values as in an evaluation, normalised if it asks for that."""
        pair = prediction, self.audio if reference is None else reference
        if self.metric.normalized:
            pair = normalized(*pair, CONVENTION)
        return self.raw(*pair, truth)

    def raw(self, prediction: Array, reference: Array, truth: Truth | None = None) -> dict[str, float]:
        return dict(self.metric(prediction, reference, CONVENTION.rate, truth or self.clip[1]))

    @cached_property
    def best(self) -> dict[str, float]:
        return self.score(self.audio)

    def narrowed(self, share: float) -> Array:
        """The clip with its difference reduced: share 0 is the clip, 1 is mono."""
        return stereo.stereo(stereo.mixture(self.audio), (1 - share) * stereo.difference(self.audio))

    def noisy(self, level: float) -> Array:
        """The clip with independent noise in each channel, `level` dB relative to it."""
        noise = np.random.default_rng(1).standard_normal(self.audio.shape)
        scale = float(np.sqrt(np.square(self.audio).mean())) * 10 ** (level / 20)
        return np.asarray(self.audio + noise * scale)

    @cached_property
    def others(self) -> dict[str, dict[str, float]]:
        """Scores of three wrong predictions."""
        wrong = {"mono": self.narrowed(1), "exchanged channels": self.audio[::-1], "noise": self.noisy(NOISE[-1])}
        return {what: self.score(prediction) for what, prediction in wrong.items()}

    def span(self, name: str) -> float:
        """Largest change of a value between the reference itself and wrong predictions."""
        return max(abs(scores[name] - self.best[name]) for scores in self.others.values())

    def ranked(self) -> list[str]:
        """The names with a direction; `NotApplicable` if there is none."""
        names = [name for name in self.best if self.metric.higher_is_better[name] is not None]
        if not names:
            raise NotApplicable("descriptive: neither direction is better")
        return names

    def lead(self, name: str, better: Mapping[str, float], worse: Mapping[str, float]) -> float:
        """By how much the first scores are better."""
        return (better[name] - worse[name]) * (1 if self.metric.higher_is_better[name] else -1)


def construct(component: ComponentUnderTest) -> None:
    """It is built from its example settings."""
    component.build(convention=CONVENTION)


def declared(component: ComponentUnderTest) -> None:
    """Each name has a unit and a direction, and no other name is returned."""
    harness = _MetricHarness(component)
    metric = harness.metric
    require(metric.names, "`names` is empty")
    for name in metric.names:
        require(isinstance(metric.unit.get(name), str), f"{name} has no unit ('' where there is none)")
        require(name in metric.higher_is_better, f"{name} has no direction (None where there is none)")
    require(harness.best, "it has no value for a clip with a moving source")
    undeclared = sorted(set(harness.best) - set(metric.names))
    require(not undeclared, f"{', '.join(undeclared)} is not among `names`")
    unknown = sorted(set(metric.invariant_to) - set(INVARIANCES))
    require(not unknown, f"`invariant_to` allows {' and '.join(INVARIANCES)}, not {', '.join(unknown)}")


def repeatable(component: ComponentUnderTest) -> None:
    """The same pair gives the same values, and is not modified."""
    harness = _MetricHarness(component)
    prediction, reference = harness.noisy(0.0), harness.audio.copy()
    before = np.stack([prediction, reference])
    first, second = harness.raw(prediction, reference), harness.raw(prediction, reference)
    require(first == second, f"the same pair gave {first}, then {second}")
    require(np.array_equal(before, [prediction, reference]), "it modified its input")


def identity_best(component: ComponentUnderTest) -> None:
    """Nothing scores better than the reference itself."""
    harness = _MetricHarness(component)
    for name in harness.ranked():
        for what, scores in harness.others.items():
            message = f"{what} scores {scores[name]:g}, better than the reference itself with {harness.best[name]:g}"
            require(harness.lead(name, harness.best, scores) >= -1e-9, message)


def worse_with_error(component: ComponentUnderTest) -> None:
    """More error never scores better, and a large error scores worse: narrower towards mono, or more noise."""
    harness = _MetricHarness(component)
    for name in harness.ranked():
        paths = {
            "narrower": [harness.score(harness.narrowed(share)) for share in (0, 0.5, 1)],
            "noisier": [harness.best, *(harness.score(harness.noisy(level)) for level in NOISE)],
        }
        slack = SAME * harness.span(name)
        for what, steps in paths.items():
            for less, more in pairwise(steps):
                gain = -harness.lead(name, less, more)
                require(gain <= slack, f"{what} scores better: {name} went from {less[name]:g} to {more[name]:g}")
        lost = max(harness.lead(name, steps[0], steps[-1]) for steps in paths.values())
        require(lost > slack, f"{name} is no worse for mono or for noise")


def gain_as_declared(component: ComponentUnderTest) -> None:
    """One factor on both channels of the prediction changes the value, or not, as `invariant_to` declares."""
    _changes_as_declared(component, "gain", lambda audio: 0.5 * audio)


def delay_as_declared(component: ComponentUnderTest) -> None:
    """A delay of 1 ms of both channels of the prediction changes the value, or not, as `invariant_to` declares."""

    def late(audio: Array) -> Array:
        samples = round(0.001 * CONVENTION.rate)
        return np.pad(audio, ((0, 0), (samples, 0)))[:, : audio.shape[1]]

    _changes_as_declared(component, "delay", late)


def _changes_as_declared(component: ComponentUnderTest, what: str, change: Callable[[Array], Array]) -> None:
    harness = _MetricHarness(component)
    before, after = harness.raw(harness.audio, harness.audio), harness.raw(change(harness.audio), harness.audio)
    changed = [name for name in before if abs(after[name] - before[name]) > SAME * harness.span(name)]
    if what in harness.metric.invariant_to:
        require(not changed, f"declared invariant to {what}, which changes {', '.join(changed)}")
    else:
        require(changed, f"invariant to {what}, which `invariant_to` does not declare")


def symmetric(component: ComponentUnderTest) -> None:
    """Left and right exchanged in prediction, reference and truth leave the values unchanged."""
    harness = _MetricHarness(component)
    truth = replace(harness.clip[1], azimuth=-harness.clip[1].azimuth)
    # wrong in one channel only, so that a metric that ignores a channel fails
    prediction = np.stack([harness.noisy(0.0)[0], harness.audio[1]])
    before = harness.score(prediction)
    after = harness.score(prediction[::-1].copy(), harness.audio[::-1].copy(), truth)
    for name, value in before.items():
        gap = abs(after[name] - value)
        require(gap <= SAME * harness.span(name), f"{name} is {value:g}, mirrored {after[name]:g}")


def finite_on_silence(component: ComponentUnderTest) -> None:
    """Silence as prediction, reference or both gives finite values, or leaves a name out."""
    harness = _MetricHarness(component)
    silence = np.zeros_like(harness.audio)
    pairs = {"prediction": (silence, harness.audio), "reference": (harness.audio, silence), "pair": (silence, silence)}
    for what, pair in pairs.items():
        for name, value in harness.score(*pair).items():
            require(np.isfinite(value), f"a silent {what} gives {name} = {value}")


def refuses_unequal_lengths(component: ComponentUnderTest) -> None:
    """Unequal lengths are a ValueError."""
    harness = _MetricHarness(component)
    _refused(harness, harness.audio[:, :-1], harness.audio, "a prediction one sample short")
    _refused(harness, harness.audio, harness.audio[:, :-1], "a reference one sample short")


def refuses_nan(component: ComponentUnderTest) -> None:
    """NaN in prediction or reference is a ValueError."""
    harness = _MetricHarness(component)
    broken = harness.audio.copy()
    broken[0, 5] = np.nan
    _refused(harness, broken, harness.audio, "NaN in the prediction")
    _refused(harness, harness.audio, broken, "NaN in the reference")


def _refused(harness: _MetricHarness, prediction: Array, reference: Array, what: str) -> None:
    try:
        values = harness.raw(prediction, reference)
    except ValueError:
        return
    require(False, f"{what} is not refused with a ValueError but gives {values}")


CHECKS = {
    "metric": (
        construct,
        declared,
        repeatable,
        identity_best,
        worse_with_error,
        gain_as_declared,
        delay_as_declared,
        symmetric,
        finite_on_silence,
        refuses_unequal_lengths,
        refuses_nan,
    )
}
