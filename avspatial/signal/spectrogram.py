"""Mixture to spectrogram and difference spectrogram back to samples (SAGM, arXiv 2311.07630, eqs. 4-11)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from avspatial.errors import RecipeError
from avspatial.framing import Framing


def apply_mask(mask: Tensor, spectrogram: Tensor) -> Tensor:
    """Complex product of mask (B, 2, F, M) and spectrogram (B, 2, F, M), real then imaginary -> (B, 2, F, M)."""
    real, imaginary = mask.unbind(1)
    x, y = spectrogram.unbind(1)
    return torch.stack((real * x - imaginary * y, real * y + imaginary * x), 1)


class Spectrogram(nn.Module):
    """Real and imaginary planes of a window's STFT: periodic Hann window, centred frames, zero padding.

    The top (Nyquist) bin is dropped and the first M = `framing.stft_frames` frames are kept, so that F and M can be
    halved five times. RecipeError if the STFT's numbers do not fit each other or the window.
    """

    hann: Tensor

    def __init__(self, framing: Framing) -> None:
        super().__init__()
        stft = framing.stft
        shortest = stft.n_fft if stft.inverse == "exact" else stft.n_fft - 2
        if stft.window > shortest:
            raise RecipeError(
                f"the Hann window ({stft.window} samples) is longer than the FFT ({shortest})",
                where="stft.window",
                fix=f"Make stft.n_fft at least {stft.window + stft.n_fft - shortest}.",
            )
        if stft.hop >= stft.window:
            raise RecipeError(
                f"frames {stft.hop} samples apart leave gaps between windows of {stft.window} samples",
                where="stft.hop",
                fix=f"Make stft.hop smaller than {stft.window}.",
            )
        if framing.stft_frames == 0:
            raise RecipeError(
                f"a window of {framing.samples} samples holds {1 + framing.samples // stft.hop} spectrogram frames; "
                "the model needs 32",
                where="window.seconds",
                fix=f"Make the window at least {31 * stft.hop / framing.window.rate:g} s long, or stft.hop smaller.",
            )
        self.framing = framing
        self.register_buffer("hann", torch.hann_window(stft.window), persistent=False)

    @property
    def valid_samples(self) -> int:
        """Samples from the start of a window up to the centre of the last frame: what `inverse` can be trusted for."""
        return min(self.framing.samples, (self.framing.stft_frames - 1) * self.framing.stft.hop)

    def forward(self, x: Tensor, frames: int | None = None) -> Tensor:
        """x (B, T), T at least `framing.samples` -> (B, 2, F, M), real then imaginary.

        With `frames`, M is that number instead of a window's, and T whatever holds so many.
        """
        if frames is None and x.shape[-1] < self.framing.samples:
            raise ValueError(f"a window has {self.framing.samples} samples, this one {x.shape[-1]}")
        stft = self.framing.stft
        full = torch.stft(
            x.float(), stft.n_fft, stft.hop, stft.window, self.hann, pad_mode="constant", return_complex=True
        )
        kept = full[:, : self.framing.bins, : frames or self.framing.stft_frames]
        return torch.view_as_real(kept).permute(0, 3, 1, 2).contiguous()

    def inverse(self, spectrogram: Tensor, samples: int) -> Tensor:
        """spectrogram (B, 2, F, M) -> x (B, samples); zero after the last frame's centre (`valid_samples` in a window).

        `stft.inverse` "exact": the true inverse, the top bin zero. "official_510": MONO2BINAURAL's code calls
        librosa.istft without n_fft, which takes F bins for an n_fft of 2 (F - 1), 510 for 256: the same here.
        """
        stft = self.framing.stft
        real, imaginary = spectrogram.float().unbind(1)
        # DC has no imaginary part. CPU transforms ignore one, others need not: a result must not depend on the device.
        full = torch.complex(real, functional.pad(imaginary[:, 1:], (0, 0, 1, 0)))
        n_fft = stft.n_fft
        if stft.inverse == "exact":
            full = functional.pad(full, (0, 0, 0, 1))
        else:
            n_fft = 2 * (full.shape[1] - 1)
            full = torch.cat((full[:, :-1], full[:, -1:].real.to(full.dtype)), 1)
        length = min(samples, (spectrogram.shape[-1] - 1) * stft.hop)
        x = torch.istft(full, n_fft, stft.hop, stft.window, self.hann, length=length)
        return functional.pad(x, (0, samples - length))
