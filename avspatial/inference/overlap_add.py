"""Sound through a spatializer: overlapping windows, batched, averaged where they overlap.

The walk is that of the official demos (2.5D Visual Sound, `demo.py`): windows start at 0, hop, 2 hop, ... while
start + N < length, and always one more lies on the last N samples; where windows overlap, the result is the sum over
the count. Three things differ, each because the original breaks there:

- A spatializer states how many samples of a window, from its start, are valid (`valid_samples`); the others have
  weight 0. The clip is first extended by N - valid_samples zeros, so that its own last sample is valid too, and the
  step is never longer than `valid_samples`, so that no sample is left out.
- A clip shorter than a window is padded with zeros to one window.
- Pictures repeat between windows: each distinct group of pictures is encoded once (windows come in the order of time,
  so only the groups of the last batch are kept: memory does not grow with the clip).

`OverlapAdd` is fed block by block and keeps no more than a batch of windows spans; `spatialize` feeds it a whole clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from avspatial.errors import DataError
from avspatial.inference.visual_features import ClipImages, VisualCondition, VisualFeatureCache
from avspatial.interfaces import Spatializer
from avspatial.recipe.schema import Inference
from avspatial.signal import stereo
from avspatial.signal.gain import window_scale

__all__ = ["OverlapAdd", "VisualCondition", "evaluating", "spatialize", "window_starts"]


def window_starts(length: int, samples: int, hop: int) -> list[int]:
    """First samples of the windows of `samples` on a signal of `length` >= `samples`, as the official demos step."""
    return [*range(0, max(length - samples, 0), hop), length - samples]


def spatialize(
    spatializer: Spatializer,
    audio: Tensor | np.ndarray,
    pictures: Tensor | np.ndarray,
    inference: Inference,
    *,
    condition: VisualCondition = "normal",
) -> Tensor:
    """One clip: audio (2, T) or mono (1, T) at the model's rate, pictures (P, H, W, 3) uint8 -> stereo (2, T).

    A mono signal m is the mixture 2m. `pictures` lie on the model's grid (`framing.window.fps`, from the clip's start).
    The result is float32 on the CPU, left + right equal to the mixture where the spatializer keeps that. It is computed
    on the spatializer's device, in eval mode, with the settings' mode restored afterwards.
    Raises DataError for a mono signal where the gain comes from the true stereo, and for a clip with no sound or no
    picture.
    """
    sound = torch.tensor(np.asarray(audio, np.float32))
    if sound.ndim != 2 or sound.shape[0] not in {1, 2} or not sound.shape[1]:
        raise DataError(f"needs sound (2, T) or (1, T), got {tuple(sound.shape)}")
    looks = VisualFeatureCache(spatializer, ClipImages(np.asarray(pictures)), inference.batch_size, condition)
    walk = OverlapAdd(spatializer, sound.shape[0], looks, inference)
    with evaluating(spatializer):
        return torch.cat((walk.push(sound), walk.finish()), 1)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode inside the block, the former mode of every module after it."""
    modes = [(each, each.training) for each in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training


class OverlapAdd:
    """The walk over a sound of `channels` (2, or 1 for mono) at the model's rate, which comes block by block.

    `looks` gives the visual features of the windows that start at some samples.
    DataError for a mono signal where the gain comes from the true stereo.
    """

    def __init__(
        self,
        spatializer: Spatializer,
        channels: int,
        looks: Callable[[Sequence[int]], Tensor | None],
        inference: Inference,
    ) -> None:
        framing = spatializer.framing
        if channels == 1 and framing.window.gain == "reference_stereo":
            raise DataError(
                "the scale of a window comes from the true stereo, and this sound is mono",
                where="window.gain",
                fix="Train with window.gain: mixture to spatialize mono sound.",
            )
        self._spatializer, self._looks = spatializer, looks
        self._window = framing.samples
        self._covered = min(spatializer.valid_samples, framing.samples)
        self._hop = max(1, min(round(inference.hop * framing.window.rate), self._covered))
        self._batch_size = inference.batch_size
        device = spatializer.mixture_rms.device
        self._audio = torch.zeros(channels, 0, device=device)
        self._total = torch.zeros(2, 0, device=device)
        self._count = torch.zeros(0, device=device)
        self._base = 0  # where these three begin in the clip
        self._came = 0
        self._next = 0
        self._waiting: list[int] = []

    @torch.inference_mode()
    def push(self, block: Tensor) -> Tensor:
        """block (C, n) -> the stereo that no later window changes any more, (2, k) on the CPU; k may be 0."""
        done = [torch.zeros(2, 0)]
        for piece in block.split(self._window, 1):  # what waits is copied with each batch: let it never be long
            self._extend(piece)
            self._came += piece.shape[1]
            while self._next + max(self._window, self._covered + 1) <= self._came:
                self._waiting.append(self._next)
                self._next += self._hop
                if len(self._waiting) == self._batch_size:
                    # The last window of all may start before the next regular one does.
                    done.append(self._compute(min(self._next, self._came - self._covered)))
        return torch.cat(done, 1)

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The rest, (2, k): afterwards as many samples came out as went in."""
        end = max(self._came + self._window - self._covered, self._window)
        self._extend(torch.zeros(self._audio.shape[0], end - self._came))
        starts = [*self._waiting, *range(self._next, max(end - self._window, 0), self._hop), end - self._window]
        done = [torch.zeros(2, 0)]
        for first in range(0, len(starts), self._batch_size):
            self._waiting = starts[first : first + self._batch_size]
            following = starts[first + self._batch_size :]
            done.append(self._compute(min(following, default=end)))
        return torch.cat(done, 1)[:, : self._came - (self._base - sum(part.shape[1] for part in done))]

    def _extend(self, block: Tensor) -> None:
        self._audio = torch.cat((self._audio, block.to(self._audio)), 1)
        self._total = nn.functional.pad(self._total, (0, block.shape[1]))
        self._count = nn.functional.pad(self._count, (0, block.shape[1]))

    def _compute(self, following: int) -> Tensor:
        """Compute the waiting windows; no later one starts before `following`."""
        starts, self._waiting = self._waiting, []
        windows = self._stereo(starts)
        for start, window in zip(starts, windows, strict=True):
            place = slice(start - self._base, start - self._base + self._covered)
            self._total[:, place] += window[:, : self._covered]
            self._count[place] += 1
        done = following - self._base
        stereo_done = self._total[:, :done] / self._count[:done].clamp_min(1)
        self._audio, self._total = self._audio[:, done:].clone(), self._total[:, done:].clone()
        self._count, self._base = self._count[done:].clone(), following
        return stereo_done.cpu()

    def _stereo(self, starts: list[int]) -> Tensor:
        """Stereo (B, 2, N) of the windows at `starts`, at the level of the clip."""
        visual = self._looks(starts)
        firsts = [start - self._base for start in starts]
        windows = torch.stack([self._audio[:, first : first + self._window] for first in firsts])
        reference = windows if windows.shape[1] == 2 else None
        mixture = 2 * windows[:, 0] if reference is None else stereo.mixture(reference)
        scale = window_scale(mixture, reference, self._spatializer.framing.window.gain, self._spatializer.mixture_rms)
        return self._spatializer.spatialize(mixture * scale, visual) / scale[:, None]
