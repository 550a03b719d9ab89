"""Single-pass inference: one pass over long chunks of audio, each step guided by the images of its own time.

Overlap-add computes every sample as many times as windows overlap there. A convolutional network can be applied to
audio of any length once: batch normalisation is pointwise in eval mode, so only borders differ, and chunks that
overlap by four steps on either side give exactly the result of one long pass. What was constant in a window varies
smoothly along time: the gain that brings a window to the training level is taken from the window around each sample.

It approximates overlap-add and does not equal it: there, each window ends in zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from avspatial.errors import DataError
from avspatial.interfaces import Spatializer
from avspatial.signal import stereo
from avspatial.signal.gain import level_scale

HALO = 4
"""Steps on either side of a chunk that are computed and discarded. A U-Net of five halvings sees 93 frames (2.9
steps) either way, and the spectrogram and its inverse a few more."""
CORE = 24
"""Steps of a chunk that are kept."""


class SinglePass:
    """One pass over mono audio at the model's rate, which comes block by block.

    `features` gives the visual features of the windows that start at some samples, in the order of time. Raises
    DataError for a spatializer that can only process single windows, or if the gain comes from the reference stereo.
    """

    def __init__(
        self,
        spatializer: Spatializer,
        features: Callable[[Sequence[int]], Tensor | None],
        core: int = CORE,
    ) -> None:
        step = spatializer.frame_step
        if step is None:
            raise DataError(
                "this model can only process single windows",
                where="mode continuous",
                fix="Omit --mode: `exact` works with every model.",
            )
        if spatializer.framing.window.gain == "reference_stereo":
            raise DataError(
                "the scale of a window comes from the true stereo, which one pass over mono audio does not have",
                where="window.gain",
                fix="Train with window.gain: mixture.",
            )
        self._spatializer, self._window_features, self._step, self._core = spatializer, features, step, core
        self._window = spatializer.framing.samples
        # Steps that share the images of a window.
        self._shared = max(1, spatializer.framing.stft_frames * spatializer.framing.stft.hop // step)
        self._mixture = torch.zeros(0, device=spatializer.mixture_rms.device)
        self._base = self._received = 0  # where the buffer begins and ends, in samples
        self._done = 0  # steps that are finished
        self._features: dict[int, Tensor] = {}

    @torch.inference_mode()
    def push(self, block: Tensor) -> Tensor:
        """block (1, n) -> the stereo that is finished, (2, k) on the CPU; k may be 0."""
        self._mixture = torch.cat((self._mixture, stereo.mixture_of_mono(block[0]).to(self._mixture)))
        self._received += block.shape[1]
        parts = [torch.zeros(2, 0)]
        while (self._done + self._core + HALO) * self._step + self._window <= self._received:
            parts.append(self._chunk(self._core, self._done + self._core + HALO))
        return torch.cat(parts, 1)

    @torch.inference_mode()
    def finish(self) -> Tensor:
        """The rest, (2, k): in total as many samples come out as went in."""
        given_out, parts = self._done * self._step, [torch.zeros(2, 0)]
        # The last frame's centre must not lie before the end.
        end = -(-(self._received + self._spatializer.framing.stft.hop) // self._step)
        while self._done < end:
            parts.append(self._chunk(min(self._core, end - self._done), min(self._done + self._core + HALO, end)))
        return torch.cat(parts, 1)[:, : self._received - given_out]

    def _chunk(self, core: int, last: int) -> Tensor:
        """The next `core` steps, (2, core * step), computed with those around them, up to step `last`."""
        first = max(0, self._done - HALO)
        begin, end = first * self._step, last * self._step
        mixture = self._mixture[begin - self._base : end - self._base]
        mixture = nn.functional.pad(mixture, (0, end - begin - len(mixture)))
        gain = self._gain(begin, end)
        visual = self._visual(first, last)
        output = self._spatializer.spatialize_along((mixture * gain)[None], visual)[0] / gain
        kept = output[:, (self._done - first) * self._step :][:, : core * self._step].cpu()
        self._done += core
        self._drop_used()
        return kept

    def _gain(self, begin: int, end: int) -> Tensor:
        """The gain that brings the window around each sample, shifted to lie within the audio, to the training
        level."""
        energy = nn.functional.pad(self._mixture.double().square().cumsum(0), (1, 0))
        places = torch.arange(begin, end, device=self._mixture.device) - self._window // 2
        firsts = (places.clamp(0, max(0, self._received - self._window)) - self._base).clamp_min(0)
        lasts = (firsts + self._window).clamp_max(len(self._mixture))
        rms = ((energy[lasts] - energy[firsts]) / self._window).clamp_min(0).sqrt()
        return level_scale(rms, self._spatializer.mixture_rms).float()

    def _visual(self, first: int, last: int) -> Tensor | None:
        """Features of the steps, (1, S, ...), shared by as many steps as a window has; None if none are needed."""
        groups = [step // self._shared for step in range(first, last)]
        missing = [group for group in dict.fromkeys(groups) if group not in self._features]
        half = (self._shared * self._step - self._spatializer.framing.stft.hop) // 2
        starts = [group * self._shared * self._step + half - self._window // 2 for group in missing]
        features = self._window_features(starts) if starts else None
        if features is not None:
            self._features.update(zip(missing, features, strict=True))
        return torch.stack([self._features[group] for group in groups])[None] if self._features else None

    def _drop_used(self) -> None:
        """Drop what no later chunk needs."""
        needed = max(0, (self._done - HALO) * self._step - self._window)
        if needed > self._base:
            self._mixture, self._base = self._mixture[needed - self._base :].clone(), needed
        for group in [group for group in self._features if group < max(0, self._done - HALO) // self._shared]:
            del self._features[group]
