"""What is learnt from and scored: clips, their windows, and where they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:  # slow to import, and whoever only scores or lists needs none of it
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Training windows. mixture (B, T); reference (B, 2, T); images (B, N, 3, H, W) in [0, 1].

    `auxiliary`: windows of the further data sets that the trainer's settings name, by the name of the setting.
    """

    mixture: Tensor
    reference: Tensor
    images: Tensor
    auxiliary: Mapping[str, Batch] = field(default_factory=dict)

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with every tensor changed, those of its auxiliary data too."""
        auxiliary = {name: batch.each(change) for name, batch in self.auxiliary.items()}
        return Batch(change(self.mixture), change(self.reference), change(self.images), auxiliary)

    def to(self, device: torch.device) -> Batch:
        return self.each(lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True)
class Truth:
    """True directions of a simulated clip at a fixed rate.

    azimuth (S, K) in degrees, positive left; energy (S, K), the mean square of what each source would bring to the
    middle of the head; rate in Hz: column k belongs to the time (k + 0.5) / rate.
    """

    rate: float
    azimuth: np.ndarray
    energy: np.ndarray


@dataclass(frozen=True)
class Clip:
    """One recording: stereo sound, its pictures, and, for simulated scenes, the true angles.

    `recording` groups clips cut from one recording: the cluster of the statistics. `video` is a video file, or, where
    `frames_fps` says their rate, a folder of numbered pictures. `mono`: what it has of sound is one channel m (the mean
    of those in the file), decoded as left = right = m, so that its mixture is 2 m. Nothing is learned of directions
    there: such clips are for trainers that ask for them, never the data of a recipe.
    """

    id: str
    audio: Path
    video: Path
    recording: str
    truth: Truth | None = field(default=None, compare=False)
    frames_fps: float | None = None
    mono: bool = False


class Progress(Protocol):
    """How long work shows itself: `for x in progress(xs, "Rendering scenes"): ...`."""

    def __call__(self, items: Iterable[Any], title: str) -> Iterable[Any]: ...


class Dataset(ABC):
    """Clips on disk, in splits. Constructed as `Target(settings, progress=...)`."""

    def __init__(self, settings: Any, *, progress: Progress) -> None:
        self.settings = settings
        self.progress = progress

    @abstractmethod
    def prepare(self) -> None:
        """Make sure everything is on disk (a simulated set renders itself here); DataError says what is missing."""

    @abstractmethod
    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test", in a fixed order; DataError for an empty or impossible split."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A short digest of what the data is (settings and lists, not every byte); stored with the run."""
