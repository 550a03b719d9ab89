"""Data: clips, training windows, and the data sets that hold them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:  # slow to import; scoring and listing need none of it
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """A batch of training windows.

    Attributes:
        mixture: (B, T), left + right at the training level.
        reference: (B, 2, T), the true stereo at the same scale.
        images: (B, N, 3, H, W), RGB in [0, 1].
        auxiliary: Windows of the further data sets that the trainer's settings name, by the name of the setting.
    """

    mixture: Tensor
    reference: Tensor
    images: Tensor
    auxiliary: Mapping[str, Batch] = field(default_factory=dict)

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Apply a function to every tensor.

        Args:
            change: Takes and returns a tensor.

        Returns:
            The batch of the results, auxiliary data included.
        """
        auxiliary = {name: batch.each(change) for name, batch in self.auxiliary.items()}
        return Batch(change(self.mixture), change(self.reference), change(self.images), auxiliary)

    def to(self, device: torch.device) -> Batch:
        """Copy the batch to a device.

        Args:
            device: The device.

        Returns:
            The batch there, auxiliary data included.
        """
        return self.each(lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True)
class Truth:
    """True directions of the sources of a clip, at a fixed rate.

    Attributes:
        rate: Hz; column k belongs to the time (k + 0.5) / rate.
        azimuth: (S, K), degrees, positive is left, one row for each source.
        energy: (S, K), mean square of each source's sound at the middle of the head; 0 where its direction is unknown.
    """

    rate: float
    azimuth: np.ndarray
    energy: np.ndarray


class Rendering(Protocol):
    """How a 360-degree recording becomes a binaural clip: its channels two ears, its panoramas the view of a camera."""

    @property
    def key(self) -> str:
        """Text that determines the result together with the files; part of the clip cache's key."""

    @property
    def panorama(self) -> tuple[int, int]:
        """Height and width at which panoramas are decoded, pixels."""

    @property
    def random_yaw(self) -> bool:
        """Whether each training window is turned anew, by a yaw drawn between -180 and 180 degrees."""

    def field(self, audio: np.ndarray) -> np.ndarray:
        """Convert decoded audio to AmbiX.

        Args:
            audio: (C, T) float32, the channels of the file.

        Returns:
            (4, T) float32: W, Y, Z, X in SN3D.

        Raises:
            DataError: The file does not have the channels of a first-order field.
        """

    def stereo(self, field: np.ndarray, rate: int, yaw: float = 0.0) -> np.ndarray:
        """Render a field for two ears.

        Args:
            field: (4, T) float32, as `field` returns it.
            rate: Sample rate, Hz.
            yaw: Degrees by which the camera is turned further to the left.

        Returns:
            (2, T) float32, in step with the field.
        """

    def view(self, images: np.ndarray, size: tuple[int, int], yaw: float = 0.0) -> np.ndarray:
        """Cut the view of the camera out of panoramas.

        Args:
            images: (P, H, W, 3) uint8, equirectangular.
            size: Height and width of the view, pixels.
            yaw: Degrees by which the camera is turned further to the left.

        Returns:
            (P, height, width, 3) uint8.
        """


@dataclass(frozen=True)
class Clip:
    """One clip of a data set: stereo audio, video and, where they are known, the true angles.

    Attributes:
        id: Id, unique in the data set.
        audio: Audio file, or a video file with audio.
        video: Video file, or a folder of numbered image files if `frames_fps` is given.
        recording: The recording that the clip was cut from; the statistics resample recordings, not clips.
        truth: True directions, if they are known.
        frames_fps: Rate of the image files, Hz.
        mono: The audio is one channel m, the mean of the file's channels, decoded as left = right = m: the mixture is
            2 m. Such clips have no directions; only trainers use them, and the `data` of a recipe refuses them.
        start: Where the clip begins in its files, seconds after the first sample of the audio.
        seconds: Length of the clip; None: up to the end of the audio.
        rendering: The files are a 360-degree recording, which this renders; None: they are stereo (or mono).
    """

    id: str
    audio: Path
    video: Path
    recording: str
    truth: Truth | None = field(default=None, compare=False)
    frames_fps: float | None = None
    mono: bool = False
    start: float = 0.0
    seconds: float | None = None
    rendering: Rendering | None = field(default=None, compare=False)


class Progress(Protocol):
    """Progress reporting of long work: `for clip in progress(clips, "Rendering scenes"): ...`."""

    def __call__(self, items: Iterable[Any], title: str) -> Iterable[Any]:
        """Yield the items and show how many are done.

        Args:
            items: The items of the work.
            title: What is done, such as "Rendering scenes".

        Returns:
            The same items.
        """


class Dataset(ABC):
    """Clips on disk, in splits. Constructed as `Target(settings, progress=...)`.

    Args:
        settings: The component's settings.
        progress: Shows the progress of long work.
    """

    def __init__(self, settings: Any, *, progress: Progress) -> None:
        self.settings = settings
        self.progress = progress

    @abstractmethod
    def prepare(self) -> None:
        """Create what can be created (a simulated set renders itself) and check that everything is on disk.

        Raises:
            DataError: Something is missing; the message says what, and how to get it.
        """

    @abstractmethod
    def clips(self, split: str) -> list[Clip]:
        """List the clips of a split.

        Args:
            split: "train", "val" or "test".

        Returns:
            The clips, always in the same order.

        Raises:
            DataError: An empty or unknown split.
        """

    def listed(self, split: str) -> list[Clip]:
        """List the clips of a split without a condition on their files, so that each can be examined by itself.

        Args:
            split: "train", "val" or "test".

        Returns:
            The clips, those that `clips` would refuse included where the data set has lists [default: `clips`].

        Raises:
            DataError: An empty or unknown split.
        """
        return self.clips(split)

    def left_out(self) -> Mapping[str, str]:
        """List what is in no split because nothing can be learned from it, or because it is damaged or missing.

        Returns:
            The reason for each, by the clip's id or the file's path below the root.
        """
        return {}

    def remarks(self) -> Sequence[str]:
        """State what the user should know of the data together: what is suspected, and what only some of it has.

        Returns:
            One sentence each, without the folder's name.
        """
        return ()

    @abstractmethod
    def fingerprint(self) -> str:
        """Digest of the data for the run's record.

        Returns:
            A short text that depends on settings and lists, not on every byte.
        """
