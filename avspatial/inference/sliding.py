"""A whole clip through a spatializer: overlapping windows, batched, averaged where they overlap.

The walk is that of the official demos (2.5D Visual Sound, `demo.py`): windows start at 0, hop, 2 hop, ... while
start + N < length, and always one more lies on the last N samples; where windows overlap, the result is the sum over
the count. Three things differ, each because the original breaks there:

- A spatializer says how many samples of a window, from its start, it can be trusted for (`covered`); the others have
  weight 0. The clip is first extended by N - covered zeros, so that its own last sample is covered too, and the step
  is never longer than `covered`, so that no sample is left out.
- A clip shorter than a window is padded with zeros to one window.
- Pictures repeat between windows: each distinct group of pictures is encoded once (windows come in the order of time,
  so only the groups of the last batch are kept: memory does not grow with the clip).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from avspatial.data.windows import picture_indices
from avspatial.errors import DataError
from avspatial.interfaces import Spatializer
from avspatial.recipe.schema import Inference
from avspatial.signal import stereo
from avspatial.signal.gain import window_scale

View = Literal["seen", "blank", "mirrored"]
"""What the spatializer is shown: the clip's pictures, black pictures, or the pictures with left and right exchanged."""


def window_starts(length: int, samples: int, hop: int) -> list[int]:
    """First samples of the windows of `samples` on a signal of `length` >= `samples`, as the official demos step."""
    return [*range(0, max(length - samples, 0), hop), length - samples]


@torch.inference_mode()
def spatialize(
    spatializer: Spatializer,
    audio: Tensor | np.ndarray,
    pictures: Tensor | np.ndarray,
    inference: Inference,
    *,
    view: View = "seen",
) -> Tensor:
    """One clip: audio (2, T) or mono (1, T) at the model's rate, pictures (P, H, W, 3) uint8 -> stereo (2, T).

    A mono signal m is the mixture 2m. `pictures` lie on the model's grid (`framing.window.fps`, from the clip's start).
    The result is float32 on the CPU, left + right equal to the mixture where the spatializer keeps that. It is computed
    on the spatializer's device, in eval mode, with the settings' mode restored afterwards.
    Raises DataError for a mono signal where the gain comes from the true stereo, and for a clip with no sound or no
    picture.
    """
    walk = _Walk.over(spatializer, torch.tensor(np.asarray(audio, np.float32)), inference)
    looks = _Looks(spatializer, np.asarray(pictures), view, inference.batch_size)
    total = torch.zeros(2, walk.length, device=walk.device)
    count = torch.zeros(walk.length, device=walk.device)
    with _evaluating(spatializer):
        for starts in walk.batches():
            visual = looks(starts)
            for start, window in zip(starts, walk.stereo(spatializer, starts, visual), strict=True):
                total[:, start : start + walk.covered] += window[:, : walk.covered]
                count[start : start + walk.covered] += 1
    return (total / count.clamp_min(1))[:, : walk.samples_in].cpu()


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode inside the block, the former mode of every module after it."""
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training


@dataclass(frozen=True)
class _Walk:
    """The padded sound and the steps over it. `audio` (2 or 1, length); `samples_in` the clip's own T."""

    audio: Tensor
    samples_in: int
    window: int
    covered: int
    hop: int
    batch_size: int

    @classmethod
    def over(cls, spatializer: Spatializer, audio: Tensor, inference: Inference) -> _Walk:
        framing = spatializer.framing
        if audio.ndim != 2 or audio.shape[0] not in {1, 2} or not audio.shape[1]:
            raise DataError(f"needs sound (2, T) or (1, T), got {tuple(audio.shape)}")
        if audio.shape[0] == 1 and framing.window.gain == "reference_stereo":
            raise DataError(
                "the scale of a window comes from the true stereo, and this sound is mono",
                where="window.gain",
                fix="Train with window.gain: mixture to spatialize mono sound.",
            )
        covered = min(spatializer.covered, framing.samples)
        length = max(audio.shape[1] + framing.samples - covered, framing.samples)
        padded = nn.functional.pad(audio, (0, length - audio.shape[1])).to(spatializer.mixture_rms.device)
        hop = max(1, min(round(inference.hop * framing.window.rate), covered))
        return cls(padded, audio.shape[1], framing.samples, covered, hop, inference.batch_size)

    @property
    def device(self) -> torch.device:
        return self.audio.device

    @property
    def length(self) -> int:
        return self.audio.shape[1]

    def batches(self) -> Iterator[list[int]]:
        starts = window_starts(self.length, self.window, self.hop)
        for first in range(0, len(starts), self.batch_size):
            yield starts[first : first + self.batch_size]

    def stereo(self, spatializer: Spatializer, starts: list[int], visual: Tensor | None) -> Tensor:
        """Stereo (B, 2, N) of the windows at `starts`, at the level of the clip."""
        windows = torch.stack([self.audio[:, start : start + self.window] for start in starts])
        reference = windows if windows.shape[1] == 2 else None
        mixture = 2 * windows[:, 0] if reference is None else stereo.mixture(reference)
        scale = window_scale(mixture, reference, spatializer.framing.window.gain, spatializer.mixture_rms)
        return spatializer.spatialize(mixture * scale, visual) / scale[:, None]


class _Looks:
    """What the spatializer sees at each window, each distinct group of pictures encoded once."""

    def __init__(self, spatializer: Spatializer, pictures: np.ndarray, view: View, batch_size: int) -> None:
        if pictures.ndim != 4 or pictures.shape[-1] != 3 or not pictures.shape[0]:
            raise DataError(f"needs pictures (P, H, W, 3), got {tuple(pictures.shape)}")
        self.spatializer = spatializer
        self.pictures = pictures
        self.view = view
        self.batch_size = batch_size
        self.known: dict[tuple[int, ...], Tensor] = {}

    def __call__(self, starts: list[int]) -> Tensor | None:
        """Visual features of the windows at `starts`, first axis B; None for a spatializer that needs no pictures."""
        groups = [self._group(start) for start in starts]
        wanted = dict.fromkeys(groups)
        self.known = {group: look for group, look in self.known.items() if group in wanted}
        fresh = [group for group in wanted if group not in self.known]
        for first in range(0, len(fresh), self.batch_size):
            some = fresh[first : first + self.batch_size]
            looks = self.spatializer.look(self._frames(some))
            if looks is None:
                return None
            self.known.update(zip(some, looks, strict=True))
        return torch.stack([self.known[group] for group in groups])

    def _group(self, start: int) -> tuple[int, ...]:
        """The pictures of the window at `start`; black pictures are all alike, so they are one group."""
        window = self.spatializer.framing.window
        if self.view == "blank":
            return (0,) * window.pictures
        return tuple(int(index) for index in picture_indices(start / window.rate, window, len(self.pictures)))

    def _frames(self, groups: list[tuple[int, ...]]) -> Tensor:
        """frames (B, N, 3, H, W) in [0, 1] of the groups, as `view` shows them, on the spatializer's device."""
        chosen = torch.from_numpy(self.pictures[np.array(groups)]).to(self.spatializer.mixture_rms.device)
        frames = chosen.permute(0, 1, 4, 2, 3).float() / 255
        if self.view == "blank":
            return torch.zeros_like(frames)
        return frames.flip(-1) if self.view == "mirrored" else frames
