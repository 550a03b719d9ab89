"""Overlap-add inference: overlapping windows, in batches, averaged where they overlap.

Windows lie as in the official demos (2.5D Visual Sound, `demo.py`): they start at 0, hop, 2 hop, ... while
start + N < length, and one more lies on the last N samples; where windows overlap, the result is their sum divided by
their count. Three things differ, each because the original breaks there:

- A spatializer states how many samples of a window, from its start, are valid (`valid_samples`); the others have
  weight 0. The clip is first extended by N - valid_samples zeros, so that its own last sample is valid too, and the
  step is never longer than `valid_samples`, so that no sample is left out.
- A clip shorter than a window is padded with zeros to one window.
- Images repeat between windows: each distinct group of images is encoded once (windows come in the order of time,
  so only the groups of the last batch are kept: memory does not grow with the clip).

`OverlapAdd` takes audio block by block and keeps no more than a batch of windows spans; `spatialize` gives it an
entire clip.
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
    images: Tensor | np.ndarray,
    inference: Inference,
    *,
    condition: VisualCondition = "normal",
) -> Tensor:
    """Spatialize one clip in memory.

    Runs on the spatializer's device in eval mode; the mode of every module is restored afterwards.

    Args:
        spatializer: The model.
        audio: (2, T), or mono (1, T), at the model's rate. A mono signal m is the mixture 2 m.
        images: (P, H, W, 3) uint8 on the model's grid (`framing.window.fps`, from the clip's start).
        inference: Hop in seconds and batch size.
        condition: Which images the spatializer gets.

    Returns:
        Stereo (2, T) float32 on the CPU; left + right is the mixture if the spatializer preserves it.

    Raises:
        DataError: For mono audio if the gain comes from the reference stereo, and for a clip without audio or images.
    """
    samples = torch.tensor(np.asarray(audio, np.float32))
    if samples.ndim != 2 or samples.shape[0] not in {1, 2} or not samples.shape[1]:
        raise DataError(f"needs audio (2, T) or (1, T), got {tuple(samples.shape)}")
    features = VisualFeatureCache(spatializer, ClipImages(np.asarray(images)), inference.batch_size, condition)
    processor = OverlapAdd(spatializer, samples.shape[0], features, inference)
    with evaluating(spatializer):
        return torch.cat((processor.push(samples), processor.finish()), 1)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Switch to eval mode inside the block and restore the mode of every module after it."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


class OverlapAdd:
    """Overlap-add of audio with `channels` (1 or 2) at the model's rate, which comes block by block.

    `features` gives the visual features of the windows that start at some samples. Raises DataError for mono audio if
    the gain comes from the reference stereo.
    """

    def __init__(
        self,
        spatializer: Spatializer,
        channels: int,
        features: Callable[[Sequence[int]], Tensor | None],
        inference: Inference,
    ) -> None:
        framing = spatializer.framing
        if channels == 1 and framing.window.gain == "reference_stereo":
            raise DataError(
                "the scale of a window comes from the true stereo, and this audio is mono",
                where="window.gain",
                fix="Train with window.gain: mixture to spatialize mono audio.",
            )
        self._spatializer, self._features = spatializer, features
        self._window = framing.samples
        self._valid_samples = min(spatializer.valid_samples, framing.samples)
        self._hop = max(1, min(round(inference.hop * framing.window.rate), self._valid_samples))
        self._batch_size = inference.batch_size
        device = spatializer.mixture_rms.device
        self._audio = torch.zeros(channels, 0, device=device)
        self._total = torch.zeros(2, 0, device=device)
        self._count = torch.zeros(0, device=device)
        self._base = 0  # position in the clip at which these three begin
        self._received = 0
        self._next_start = 0
        self._pending: list[int] = []

    @torch.inference_mode()
    def push(self, block: Tensor) -> Tensor:
        """block (C, n) -> the stereo that no later window changes, (2, k) on the CPU; k may be 0."""
        parts = [torch.zeros(2, 0)]
        for piece in block.split(self._window, 1):  # the buffer is copied with each batch: keep it short
            self._extend(piece)
            self._received += piece.shape[1]
            while self._next_start + max(self._window, self._valid_samples + 1) <= self._received:
                self._pending.append(self._next_start)
                self._next_start += self._hop
                if len(self._pending) == self._batch_size:
                    # The last window of all may start before the next regular one does.
                    parts.append(self._compute(min(self._next_start, self._received - self._valid_samples)))
        return torch.cat(parts, 1)

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The rest, (2, k): in total as many samples come out as went in."""
        end = max(self._received + self._window - self._valid_samples, self._window)
        self._extend(torch.zeros(self._audio.shape[0], end - self._received))
        starts = [*self._pending, *range(self._next_start, max(end - self._window, 0), self._hop), end - self._window]
        parts = [torch.zeros(2, 0)]
        for first in range(0, len(starts), self._batch_size):
            self._pending = starts[first : first + self._batch_size]
            following = starts[first + self._batch_size :]
            parts.append(self._compute(min(following, default=end)))
        return torch.cat(parts, 1)[:, : self._received - (self._base - sum(part.shape[1] for part in parts))]

    def _extend(self, block: Tensor) -> None:
        self._audio = torch.cat((self._audio, block.to(self._audio)), 1)
        self._total = nn.functional.pad(self._total, (0, block.shape[1]))
        self._count = nn.functional.pad(self._count, (0, block.shape[1]))

    def _compute(self, following: int) -> Tensor:
        """Compute the pending windows; no later one starts before `following`."""
        starts, self._pending = self._pending, []
        windows = self._stereo(starts)
        for start, window in zip(starts, windows, strict=True):
            place = slice(start - self._base, start - self._base + self._valid_samples)
            self._total[:, place] += window[:, : self._valid_samples]
            self._count[place] += 1
        done = following - self._base
        stereo_done = self._total[:, :done] / self._count[:done].clamp_min(1)
        self._audio, self._total = self._audio[:, done:].clone(), self._total[:, done:].clone()
        self._count, self._base = self._count[done:].clone(), following
        return stereo_done.cpu()

    def _stereo(self, starts: list[int]) -> Tensor:
        """Stereo (B, 2, N) of the windows at `starts`, at the level of the clip."""
        visual = self._features(starts)
        firsts = [start - self._base for start in starts]
        windows = torch.stack([self._audio[:, first : first + self._window] for first in firsts])
        reference = windows if windows.shape[1] == 2 else None
        mixture = stereo.mixture_of_mono(windows[:, 0]) if reference is None else stereo.mixture(reference)
        scale = window_scale(mixture, reference, self._spatializer.framing.window.gain, self._spatializer.mixture_rms)
        return self._spatializer.spatialize(mixture * scale, visual) / scale[:, None]
