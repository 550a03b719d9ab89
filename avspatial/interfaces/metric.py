"""What a score is: a metric, and the convention it is made under."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from avspatial.interfaces.clips import Truth


@dataclass(frozen=True)
class Convention:
    """A named set of choices behind a number; part of every printed result. The defaults are `fairplay`.

    rate, at which all is scored, in Hz. normalization: `own_peak` divides prediction and reference each by its own
    peak over both channels, `reference_peak` both by the reference's, `none` neither. The spectrogram: n_fft, window
    (Hann) and hop in samples, centred, the ends padded with `zeros` or by `reflect`.
    """

    name: str = "fairplay"
    rate: int = 16000
    normalization: str = "own_peak"
    n_fft: int = 512
    window: int = 400
    hop: int = 160
    pad: str = "zeros"


class Metric(ABC):
    """One clip, one number (or a few named ones); averages are the evaluation's business.

    Constructed as `Target(settings, convention=...)`. `unit` and `higher_is_better` (None for a descriptive number)
    are declared for every name in `names`. `requires_source_angles`: only clips with known angles are scored.
    `normalized`: the signals arrive at the convention's rate and with its normalisation; otherwise at that rate,
    unnormalised. `invariant_to`: changes of the prediction that do not change the value, `gain` (one factor on both
    ears) and `delay` (one of 1 ms on both ears), the convention's normalisation left aside.
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
        """prediction (2, T) and reference (2, T), float64 -> {name: value}. ValueError for NaN or unequal lengths.

        A name is left out where the reference holds nothing to measure it on (no source beside the middle, say): the
        clip is then skipped for that name, which is no failure. A value that is not finite is a failure.
        """
