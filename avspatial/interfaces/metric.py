"""Scores: metrics, and the conventions under which they are computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avspatial.interfaces.clips import Truth


@dataclass(frozen=True)
class Convention:
    """Settings of the scoring that all metrics share, under one name. The defaults are those of `fairplay`.

    Attributes:
        name: Its name.
        rate: Sample rate of all scoring, Hz.
        normalization: `own_peak` divides prediction and reference each by its own peak over both channels,
            `reference_peak` divides both by the reference's peak, `none` neither.
        n_fft: FFT length of the centred spectrogram, samples.
        window: Length of the Hann analysis window, samples.
        hop: Step between STFT frames, samples.
        pad: Padding of the ends, `zeros` or `reflect`.
    """

    name: str = "fairplay"
    rate: int = 16000
    normalization: str = "own_peak"
    n_fft: int = 512
    window: int = 400
    hop: int = 160
    pad: str = "zeros"


class Metric(ABC):
    """One number, or a few named ones, for one clip. Constructed as `Target(settings, convention=...)`.

    Averages are computed by the evaluation.

    Args:
        settings: The component's settings.
        convention: Rate, normalisation and spectrogram of the scoring.

    Attributes:
        names: Names of the values.
        unit: Unit of each value.
        higher_is_better: Direction of each value; None for a descriptive one.
        requires_source_angles: Only clips with known angles are scored.
        normalized: The signals are given with the convention's normalisation; otherwise unnormalised. In both cases
            at the convention's rate.
        invariant_to: Changes of the prediction that do not change the value, without the convention's normalisation:
            `gain`, one factor on both ears, and `delay`, 1 ms on both ears.
    """

    names: ClassVar[tuple[str, ...]]
    unit: ClassVar[Mapping[str, str]]
    higher_is_better: ClassVar[Mapping[str, bool | None]]
    requires_source_angles: ClassVar[bool] = False
    normalized: ClassVar[bool] = True
    invariant_to: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, settings: Any, *, convention: Convention = Convention()) -> None:
        self.settings = settings
        self.convention = convention

    @abstractmethod
    def __call__(
        self, prediction: np.ndarray, reference: np.ndarray, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        """Score a clip.

        Args:
            prediction: (2, T), float64.
            reference: (2, T), float64.
            sample_rate: Hz.
            truth: True directions of the sources, if they are known.

        Returns:
            {name: value}. A name is missing if the reference has nothing to measure it on, such as no source off the
            middle: the clip is then skipped for it, which is no failure. A value that is not finite is a failure.

        Raises:
            ValueError: NaN, or unequal lengths.
        """
