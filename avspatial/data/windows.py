"""Training windows: which samples and images belong together, and their batches.

`image_indices` alone decides which images belong to a window, in inference too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from avspatial.data.clip_cache import Recording
from avspatial.data.settings import Augmentation
from avspatial.errors import DataError
from avspatial.framing import Framing, Window
from avspatial.interfaces import Batch, Clip, Rendering
from avspatial.media.image import LUMA
from avspatial.signal.gain import FLOOR, STEREO_RMS, rms, window_scale
from avspatial.signal.stereo import mixture

_MARGIN = 0.25
"""Seconds of a field that are rendered on either side of a window, more than the responses of a head last."""


def image_indices(start_seconds: float, window: Window, count: int) -> np.ndarray:
    """Indices of the images of a window, (N,) int, ascending, within 0 .. count - 1.

    The window starts at `start_seconds` and is divided into N equal parts; image k of the grid belongs to the time
    k / fps. A part gets the image nearest to its centre, the earlier of two equally near ones; or, with
    `picture_choice: last`, the last one not after its centre. That is number round((centre + 0.05) * 10) of
    MONO2BINAURAL's files, 10 a second and counted from 1 (if a centre falls on the time of an image, that rule
    alternates between this image and the one before, as Python rounds halves). Clamped to the `count` images of the
    clip.
    """
    part = window.seconds / window.pictures
    centres = start_seconds + part * (np.arange(window.pictures) + 0.5)
    # Ties are common (4 images at 4 fps): rounding must not depend on the last bit of a float.
    if window.picture_choice == "last":
        chosen = np.floor(centres * window.fps + 1e-6)
    else:
        chosen = np.ceil(centres * window.fps - 0.5 - 1e-6)
    return np.clip(chosen.astype(np.int64), 0, count - 1)


def refuse_random_yaw(clips: Iterable[Clip]) -> None:
    """DataError if one of the clips is turned anew for each window: only training clips may be."""
    for clip in clips:
        if clip.rendering is not None and clip.rendering.random_yaw:
            raise DataError(
                f"clip {clip.id} has a random yaw, but validation and test clips are never turned at random",
                where="data",
                fix="The data set must give `random_yaw` to the clips of its training split alone.",
            )


class TrainingWindows:
    """One window of every recording an epoch, at the training level; a pure function of (seed, epoch, index).

    `fixed`: the same windows in every epoch, `per_clip` of them spread evenly over each clip, without augmentation (for
    validation). Images larger than the window's are cropped at random, or, if fixed, in the middle. A recording shorter
    than a window is padded with silence. A recording that is not rendered yet is rendered window by window, each at a
    yaw of its own; held-out recordings are always rendered. `mixture_rms`: the training set's level, for held-out
    recordings; by default it is computed from these recordings. DataError for fixed windows of such a recording.
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
        if fixed:
            refuse_random_yaw(recording.clip for recording in recordings)
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
        """Order of the windows in `epoch`, (len,) int, a permutation; 0, 1, 2 .. if fixed."""
        if self.fixed:
            return np.arange(len(self))
        # numpy's seed sequence cannot tell [a, b] from [a, b, 0]; the spawn key separates orders from windows.
        return _generator(self.seed, epoch, spawn_key=(1,)).permutation(len(self))

    def batch(self, epoch: int, indices: Sequence[int] | np.ndarray) -> Batch:
        """The windows `indices` of `epoch` -> mixture (B, T), reference (B, 2, T), images (B, N, 3, H, W), float32."""
        window = self.framing.window
        stereo = np.zeros((len(indices), 2, self.framing.samples), np.float32)
        images = np.empty((len(indices), window.pictures, *window.picture, 3), np.uint8)
        tint = np.empty((len(indices), 2))
        for row, index in enumerate(indices):
            tint[row] = self._fill(epoch, int(index), stereo[row], images[row])
        reference = torch.from_numpy(stereo)
        mixed = mixture(reference)
        scale = window_scale(mixed, reference, window.gain, self.mixture_rms)
        return Batch(mixed * scale, reference * scale[:, None], self._image_tensor(images, tint))

    @cached_property
    def mixture_rms(self) -> float:
        """The given level, or the median RMS of the mixture over consecutive windows scaled to a stereo RMS of 0.1.

        Silent windows are left out. It is between 0.1 sqrt(2) for unrelated channels and 0.2 for equal ones. Recordings
        that are not rendered yet are measured at a yaw of 0.
        """
        if self._given_rms is not None:
            return self._given_rms
        levels = [self._levels(self._stereo(recording)) for recording in self.recordings]
        levels = [level for level in levels if level.size]
        return float(np.median(np.concatenate(levels))) if levels else STEREO_RMS * 2**0.5

    def _stereo(self, recording: Recording) -> np.ndarray:
        rendering = recording.unrendered
        return recording.audio if rendering is None else rendering.stereo(recording.audio, self.framing.window.rate)

    def _levels(self, audio: np.ndarray) -> np.ndarray:
        count = max(1, audio.shape[1] // self.framing.samples)
        used = min(audio.shape[1], count * self.framing.samples)
        windows = torch.tensor(audio[:, :used]).unflatten(1, (count, -1)).transpose(0, 1)
        level = rms(windows.flatten(1))
        return (STEREO_RMS * rms(mixture(windows)) / level)[level > FLOOR].numpy()

    def _fill(self, epoch: int, index: int, stereo: np.ndarray, images: np.ndarray) -> tuple[float, float]:
        """Fill stereo (2, T) and images (N, H, W, 3) with one window; return its brightness and colour factors."""
        recording = self.recordings[index // self.per_clip]
        draws = self._draws(epoch, index)
        total = recording.audio.shape[1]
        start = int(draws[0] * (max(0, total - self.framing.samples) + 1))
        window = self.framing.window
        indices = image_indices(start / window.rate, window, len(recording.images))
        rendering = recording.unrendered
        if rendering is None:
            audio = recording.audio[:, start : start + self.framing.samples]
            sources = [recording.images[source] for source in indices]
        else:
            audio, sources = self._turned(rendering, recording, start, indices, 360 * draws[6] - 180)
        crop = self._crop(sources[0].shape[:2], draws[1:3])
        flip = 1 - draws[3] <= self.augmentation.flip and not self.fixed
        direction = slice(None, None, -1 if flip else None)
        stereo[:, : audio.shape[1]] = audio[direction]
        for image, source in zip(images, sources, strict=True):
            image[:] = source[crop][:, direction]
        if self.fixed:
            return 1.0, 1.0
        return (
            1 + self.augmentation.brightness * (2 * draws[4] - 1),
            1 + self.augmentation.colour * (2 * draws[5] - 1),
        )

    def _turned(
        self, rendering: Rendering, recording: Recording, start: int, indices: np.ndarray, yaw: float
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Render one window -> (2, T) and N images (H, W, 3), as if the entire recording had been rendered."""
        window, margin = self.framing.window, round(_MARGIN * self.framing.window.rate)
        first = max(0, start - margin)
        field = recording.audio[:, first : start + self.framing.samples + margin]
        stereo = rendering.stereo(field, window.rate, yaw)[:, start - first :][:, : self.framing.samples]
        size = self.augmentation.store or window.picture
        return stereo, list(rendering.view(recording.images[indices], size, yaw))

    def _draws(self, epoch: int, index: int) -> np.ndarray:
        """Seven numbers in [0, 1) that determine a window: start, crop down, across, flip, brightness, colour, yaw.

        All are drawn with any settings, so that an augmentation does not change the others.
        """
        if self.fixed:
            return np.array([(index % self.per_clip + 0.5) / self.per_clip, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
        return _generator(self.seed, epoch, index).random(7)

    def _crop(self, stored: tuple[int, int], draws: np.ndarray) -> tuple[slice, slice]:
        slices = []
        for have, want, draw in zip(stored, self.framing.window.picture, draws, strict=True):
            if have < want:
                raise ValueError(f"images are stored at {stored}, smaller than {self.framing.window.picture}")
            first = int(draw * (have - want + 1))
            slices.append(slice(first, first + want))
        return slices[0], slices[1]

    def _image_tensor(self, images: np.ndarray, tint: np.ndarray) -> Tensor:
        """images (B, N, H, W, 3) uint8, tint (B, 2) -> (B, N, 3, H, W) in [0, 1]."""
        planes = torch.from_numpy(images).permute(0, 1, 4, 2, 3)
        tensor = planes.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
        if np.all(tint == 1.0):
            return tensor
        return _tinted(tensor, torch.from_numpy(tint.astype(np.float32)))


def _tinted(images: Tensor, tint: Tensor) -> Tensor:
    """Apply brightness and saturation, tint (B, 2), as one linear map of the colours, clamped to [0, 1]."""
    brightness, colour = tint[:, 0, None, None], tint[:, 1, None, None]
    matrix = brightness * (colour * torch.eye(3) + (1 - colour) * torch.tensor(LUMA).expand(3, 3))
    flat = images.flatten(3)
    return (matrix[:, None] @ flat).clamp_(0, 1).reshape(images.shape)


def _generator(*entropy: int, spawn_key: tuple[int, ...] = ()) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy, spawn_key=spawn_key)))
