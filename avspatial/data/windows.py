"""Windows: which samples and which pictures belong together, and the batches that training sees.

`image_indices` is the one place that says which pictures a window sees; inference asks it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from avspatial.data.clip_cache import Recording
from avspatial.data.settings import Augmentation
from avspatial.framing import Framing, Window
from avspatial.interfaces import Batch
from avspatial.signal.gain import FLOOR, STEREO_RMS, rms, window_scale
from avspatial.signal.stereo import mixture

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey picture (ITU-R BT.601)."""


def image_indices(start_seconds: float, window: Window, count: int) -> np.ndarray:
    """The grid pictures that the window starting at `start_seconds` sees -> (N,) int, ascending, within 0 .. count-1.

    The window is cut into N equal parts; picture k is that of the time k / fps. A part sees the picture nearest to its
    centre, the earlier of two equally near; or, by `picture_choice: last`, the last one not after its centre, which is
    number round((centre + 0.05) * 10) of MONO2BINAURAL's files, 10 a second and counted from 1 (there a centre that
    falls on a picture's own time goes to it or to the one before by turns, as Python rounds halves). Clamped to the
    `count` pictures that the clip has.
    """
    part = window.seconds / window.pictures
    centres = start_seconds + part * (np.arange(window.pictures) + 0.5)
    # Ties are the rule, not the exception (4 pictures at 4 fps): rounding must not depend on the last float bit.
    if window.picture_choice == "last":
        chosen = np.floor(centres * window.fps + 1e-6)
    else:
        chosen = np.ceil(centres * window.fps - 0.5 - 1e-6)
    return np.clip(chosen.astype(np.int64), 0, count - 1)


class TrainingWindows:
    """One window of every recording an epoch, at the level of training; a pure function of (seed, epoch, index).

    `fixed`: the same windows in every epoch, `per_clip` of them spread evenly over each clip and left as they are
    (for validation). Recordings whose pictures are larger than the window's are cut at random, or, if fixed, in the
    middle. A recording shorter than a window is followed by silence. `mixture_rms`: the training set's level, for
    held-out recordings, which have none of their own; by default these recordings' own.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        framing: Framing,
        seed: int,
        augmentation: Augmentation | None = None,
        fixed: bool = False,
        *,
        per_clip: int = 1,
        mixture_rms: float | None = None,
    ) -> None:
        if not recordings:
            raise ValueError("windows need at least one recording")
        self.recordings = tuple(recordings)
        self.framing = framing
        self.seed = seed
        self.augmentation = augmentation or Augmentation()
        self.fixed = fixed
        self.per_clip = per_clip
        self._given_rms = mixture_rms

    def __len__(self) -> int:
        return len(self.recordings) * self.per_clip

    def order(self, epoch: int) -> np.ndarray:
        """The order in which `epoch` visits the windows -> (len,) int, a permutation; 0, 1, 2 .. if fixed."""
        if self.fixed:
            return np.arange(len(self))
        # numpy's seed sequence cannot tell [a, b] from [a, b, 0]; the spawn key keeps orders apart from windows.
        return _generator(self.seed, epoch, spawn_key=(1,)).permutation(len(self))

    def batch(self, epoch: int, indices: Sequence[int] | np.ndarray) -> Batch:
        """The windows `indices` of `epoch` -> mixture (B, T), reference (B, 2, T), images (B, N, 3, H, W), float32."""
        window = self.framing.window
        stereo = np.zeros((len(indices), 2, self.framing.samples), np.float32)
        pictures = np.empty((len(indices), window.pictures, *window.picture, 3), np.uint8)
        tint = np.empty((len(indices), 2))
        for row, index in enumerate(indices):
            tint[row] = self._cut(epoch, int(index), stereo[row], pictures[row])
        reference = torch.from_numpy(stereo)
        mixed = mixture(reference)
        scale = window_scale(mixed, reference, window.gain, self.mixture_rms)
        return Batch(mixed * scale, reference * scale[:, None], self._frames(pictures, tint))

    @cached_property
    def mixture_rms(self) -> float:
        """The median, over all windows laid end to end, of the mixture's RMS once the stereo RMS is 0.1.

        The one that was given, if one was. Silent windows are left out; between 0.1 sqrt(2) for unrelated channels
        and 0.2 for equal ones.
        """
        if self._given_rms is not None:
            return self._given_rms
        levels = [self._levels(recording.audio) for recording in self.recordings]
        levels = [level for level in levels if level.size]
        return float(np.median(np.concatenate(levels))) if levels else STEREO_RMS * 2**0.5

    def _levels(self, audio: np.ndarray) -> np.ndarray:
        count = max(1, audio.shape[1] // self.framing.samples)
        used = min(audio.shape[1], count * self.framing.samples)
        windows = torch.tensor(audio[:, :used]).unflatten(1, (count, -1)).transpose(0, 1)
        level = rms(windows.flatten(1))
        return (STEREO_RMS * rms(mixture(windows)) / level)[level > FLOOR].numpy()

    def _cut(self, epoch: int, index: int, stereo: np.ndarray, pictures: np.ndarray) -> tuple[float, float]:
        """Fill stereo (2, T) and pictures (N, H, W, 3) of one window; return its brightness and colour factors."""
        recording = self.recordings[index // self.per_clip]
        draws = self._draws(epoch, index)
        total = recording.audio.shape[1]
        start = int(draws[0] * (max(0, total - self.framing.samples) + 1))
        window = self.framing.window
        seen = image_indices(start / window.rate, window, len(recording.images))
        crop = self._crop(recording.images.shape[1:3], draws[1:3])
        sound = recording.audio[:, start : start + self.framing.samples]
        flip = 1 - draws[3] <= self.augmentation.flip and not self.fixed
        turn = slice(None, None, -1 if flip else None)
        stereo[:, : sound.shape[1]] = sound[turn]
        for place, picture in enumerate(seen):
            pictures[place] = recording.images[picture][crop][:, turn]
        if self.fixed:
            return 1.0, 1.0
        return (
            1 + self.augmentation.brightness * (2 * draws[4] - 1),
            1 + self.augmentation.colour * (2 * draws[5] - 1),
        )

    def _draws(self, epoch: int, index: int) -> np.ndarray:
        """Six numbers in [0, 1) that decide a window: start, crop down, crop across, flip, brightness, colour.

        All are drawn whatever the settings, so that switching one augmentation on moves no other.
        """
        if self.fixed:
            return np.array([(index % self.per_clip + 0.5) / self.per_clip, 0.5, 0.5, 0.5, 0.5, 0.5])
        return _generator(self.seed, epoch, index).random(6)

    def _crop(self, stored: tuple[int, int], draws: np.ndarray) -> tuple[slice, slice]:
        slices = []
        for have, want, draw in zip(stored, self.framing.window.picture, draws, strict=True):
            if have < want:
                raise ValueError(f"pictures are stored at {stored}, smaller than {self.framing.window.picture}")
            first = int(draw * (have - want + 1))
            slices.append(slice(first, first + want))
        return slices[0], slices[1]

    def _frames(self, pictures: np.ndarray, tint: np.ndarray) -> Tensor:
        """pictures (B, N, H, W, 3) uint8, tint (B, 2) -> images (B, N, 3, H, W) in [0, 1]."""
        planes = torch.from_numpy(pictures).permute(0, 1, 4, 2, 3)
        images = planes.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        if np.all(tint == 1.0):
            return images
        return _tinted(images, torch.from_numpy(tint.astype(np.float32)))


def _tinted(images: Tensor, tint: Tensor) -> Tensor:
    """Brightness and saturation, tint (B, 2), as one linear map of the colours; the result is kept in [0, 1]."""
    brightness, colour = tint[:, 0, None, None], tint[:, 1, None, None]
    matrix = brightness * (colour * torch.eye(3) + (1 - colour) * torch.tensor(_LUMA).expand(3, 3))
    flat = images.flatten(3)
    return (matrix[:, None] @ flat).clamp_(0, 1).reshape(images.shape)


def _generator(*entropy: int, spawn_key: tuple[int, ...] = ()) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy, spawn_key=spawn_key)))
