"""Sound through a spatializer in one pass over long chunks, each step guided by the pictures of its own time.

Sliding windows compute every sample as many times as windows overlap there. A convolutional network can be laid over
a sound of any length once: batch normalisation is pointwise when it does not learn, so only borders differ, and chunks
that overlap by four steps on either side give the very result of one long pass. What was per window becomes smooth
along time: the gain that brings a window to the level of training is taken from the window around each sample.

It is an approximation of the sliding windows, not a rewriting: there, each window ends in zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from avspatial.errors import DataError
from avspatial.interfaces import Spatializer
from avspatial.signal import stereo
from avspatial.signal.gain import FLOOR

HALO = 4
"""Steps on either side of a chunk that are computed and thrown away. A U-Net of five halvings sees 93 frames (2.9
steps) either way, and the spectrogram and its inverse a few more."""
CORE = 24
"""Steps of a chunk that are kept."""


class SinglePass:
    """The walk over a sound of `channels` (2, or 1 for mono) at the model's rate, which comes block by block.

    `looks` gives the visual features of the windows that start at some samples, in the order of time.
    DataError for a spatializer that works on single windows alone, or whose scale comes from the true stereo.
    """

    def __init__(
        self, spatializer: Spatializer, channels: int, looks: Callable[[Sequence[int]], Tensor | None], core: int = CORE
    ) -> None:
        step = spatializer.frame_step
        if step is None:
            raise DataError(
                "this model works on single windows alone",
                where="mode continuous",
                fix="Leave --mode away: `exact` works with every model.",
            )
        if spatializer.framing.window.gain == "reference_stereo":
            raise DataError(
                "the scale of a window comes from the true stereo, which one pass over mono sound does not have",
                where="window.gain",
                fix="Train with window.gain: mixture.",
            )
        self._spatializer, self._looks, self._step, self._core = spatializer, looks, step, core
        self._window = spatializer.framing.samples
        self._shared = max(1, spatializer.framing.stft_frames * spatializer.framing.stft.hop // step)
        self._mixture = torch.zeros(0, device=spatializer.mixture_rms.device)
        self._channels = channels
        self._base = self._came = self._done = 0  # where the buffer begins, its end; the steps that are finished
        self._seen: dict[int, Tensor] = {}

    @torch.inference_mode()
    def push(self, block: Tensor) -> Tensor:
        """block (C, n) -> the stereo that is finished, (2, k) on the CPU; k may be 0."""
        mixture = 2 * block[0] if self._channels == 1 else stereo.mixture(block)
        self._mixture = torch.cat((self._mixture, mixture.to(self._mixture)))
        self._came += block.shape[1]
        parts = [torch.zeros(2, 0)]
        while (self._done + self._core + HALO) * self._step + self._window <= self._came:
            parts.append(self._chunk(self._core, self._done + self._core + HALO))
        return torch.cat(parts, 1)

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The rest, (2, k): afterwards as many samples came out as went in."""
        begun, parts = self._done * self._step, [torch.zeros(2, 0)]
        # The last frame's centre must not lie before the end.
        end = -(-(self._came + self._spatializer.framing.stft.hop) // self._step)
        while self._done < end:
            parts.append(self._chunk(min(self._core, end - self._done), min(self._done + self._core + HALO, end)))
        return torch.cat(parts, 1)[:, : self._came - begun]

    def _chunk(self, core: int, last: int) -> Tensor:
        """The next `core` steps, (2, core * step), computed with those around them, up to step `last`."""
        first = max(0, self._done - HALO)
        begin, end = first * self._step, last * self._step
        sound = self._mixture[begin - self._base : end - self._base]
        sound = nn.functional.pad(sound, (0, end - begin - len(sound)))
        gain = self._gain(begin, end)
        visual = self._visual(first, last)
        said = self._spatializer.spatialize_along((sound * gain)[None], visual)[0] / gain
        kept = said[:, (self._done - first) * self._step :][:, : core * self._step].cpu()
        self._done += core
        self._forget()
        return kept

    def _gain(self, begin: int, end: int) -> Tensor:
        """What brings the window around each sample, shifted to lie within the sound, to the level of training."""
        energy = nn.functional.pad(self._mixture.double().square().cumsum(0), (1, 0))
        places = torch.arange(begin, end, device=self._mixture.device) - self._window // 2
        firsts = (places.clamp(0, max(0, self._came - self._window)) - self._base).clamp_min(0)
        lasts = (firsts + self._window).clamp_max(len(self._mixture))
        rms = ((energy[lasts] - energy[firsts]) / self._window).clamp_min(0).sqrt().clamp_min(FLOOR)
        return (self._spatializer.mixture_rms / rms).float()

    def _visual(self, first: int, last: int) -> Tensor | None:
        """Features of the steps, (1, S, ...), one look for as many as a window has; None where none are needed."""
        looks = [step // self._shared for step in range(first, last)]
        fresh = [look for look in dict.fromkeys(looks) if look not in self._seen]
        half = (self._shared * self._step - self._spatializer.framing.stft.hop) // 2
        starts = [look * self._shared * self._step + half - self._window // 2 for look in fresh]
        found = self._looks(starts) if starts else None
        if found is not None:
            self._seen.update(zip(fresh, found, strict=True))
        return torch.stack([self._seen[look] for look in looks])[None] if self._seen else None

    def _forget(self) -> None:
        """Let go of what no later chunk needs."""
        needed = max(0, (self._done - HALO) * self._step - self._window)
        if needed > self._base:
            self._mixture, self._base = self._mixture[needed - self._base :].clone(), needed
        for look in [look for look in self._seen if look < max(0, self._done - HALO) // self._shared]:
            del self._seen[look]
