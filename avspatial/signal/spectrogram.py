"""Short-time Fourier transform of a window, its inverse, and complex masks (SAGM, arXiv 2311.07630, eqs. 4-11)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from avspatial.errors import RecipeError
from avspatial.framing import Framing

__all__ = ["Spectrogram", "apply_mask"]


def apply_mask(mask: Tensor, spectrogram: Tensor) -> Tensor:
    """Multiply a spectrogram by a complex mask.

    Args:
        mask: (B, 2, F, M), real then imaginary.
        spectrogram: (B, 2, F, M), real then imaginary.

    Returns:
        Their complex product, (B, 2, F, M).

    Example:
        >>> i = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> apply_mask(i, i).flatten()
        tensor([-1.,  0.])
    """
    real, imaginary = mask.unbind(1)
    x, y = spectrogram.unbind(1)
    return torch.stack((real * x - imaginary * y, real * y + imaginary * x), 1)


class Spectrogram(nn.Module):
    """Real and imaginary planes of a window's STFT: periodic Hann analysis window, centred frames, zero padding.

    The top (Nyquist) bin is dropped and the first M = `framing.stft_frames` frames are kept, so that F and M can be
    halved five times.

    Args:
        framing: Window and STFT of the recipe.

    Raises:
        RecipeError: The numbers of the STFT do not fit each other or the window.

    Example:
        >>> spectrogram = Spectrogram(Framing())
        >>> planes = spectrogram(torch.zeros(1, 16000))
        >>> planes.shape
        torch.Size([1, 2, 224, 64])
        >>> spectrogram.inverse(planes, 16000).shape
        torch.Size([1, 16000])
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
        """Samples that `inverse` restores: from the start of a window to the centre of its last frame."""
        return min(self.framing.samples, (self.framing.stft_frames - 1) * self.framing.stft.hop)

    def forward(self, x: Tensor, frames: int | None = None) -> Tensor:
        """Compute the spectrogram.

        Args:
            x: (B, T), T at least `framing.samples`.
            frames: Number of STFT frames instead of a window's; T must hold as many.

        Returns:
            (B, 2, F, M), real then imaginary.

        Raises:
            ValueError: Fewer samples than a window has.
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
        """Compute the samples of a spectrogram.

        `stft.inverse` "exact" is the true inverse with a top bin of zero. "official_510" repeats MONO2BINAURAL's code,
        which calls librosa.istft without n_fft: F bins then mean an n_fft of 2 (F - 1), 510 for 256.

        Args:
            spectrogram: (B, 2, F, M), real then imaginary.
            samples: Length of the result.

        Returns:
            (B, samples); zero after the centre of the last frame (`valid_samples` in a window).
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
