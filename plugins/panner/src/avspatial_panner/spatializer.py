"""Panner: a mask that gives the mixture the level and time differences of a head, along a track of azimuths."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from avspatial.errors import RecipeError
from avspatial.framing import Framing
from avspatial.interfaces import Builder, Spatializer
from avspatial.signal import RESPONSE_SECONDS, Head, Spectrogram, apply_mask, head_model, stereo
from avspatial_panner import tracks
from avspatial_panner.settings import PannerSettings


def masks(head: Head, framing: Framing, limit: float) -> Tensor:
    """(H_L - H_R) / (H_L + H_R) of a head for the azimuths -180, -179, ..., 180 degrees: (361, F) complex.

    Times the mixture's spectrogram it is the difference's: the two ears then have the head's ratio H_L / H_R, and add
    up to the mixture again. Where its absolute value exceeds `limit` it is brought down to that.
    """
    rate = framing.window.rate
    length = 2 * round(RESPONSE_SECONDS * rate / 2)
    responses = head.responses(np.arange(-180, 181), rate, length)
    frequencies = np.arange(framing.bins) * rate / framing.stft.n_fft
    # Any frequency, also where the FFT is shorter than the responses.
    turn = np.exp(-2j * np.pi * np.outer(np.arange(length), frequencies) / rate)
    left, right = np.moveaxis(responses @ turn, 1, 0)
    total = left + right
    tiny = 1e-9 * np.abs(left).max()
    mask = (left - right) / np.where(np.abs(total) < tiny, tiny, total)
    size = np.abs(mask)
    return torch.from_numpy(mask * np.minimum(1, limit / np.maximum(size, 1e-12))).to(torch.complex64)


class Panner(Spatializer):
    """Mixture and a track of azimuths to stereo. Nothing is trained; left + right is the mixture.

    RecipeError for a window with too few images to detect motion, DataError for an unreadable track or head.
    """

    preserves_mixture = True
    bank: Tensor
    times: Tensor
    azimuths: Tensor

    def __init__(self, settings: PannerSettings, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.spectrogram = Spectrogram(framing)
        self.moving = settings.track == "motion"
        if self.moving and framing.window.pictures < 4:
            raise RecipeError(
                f"motion cannot be followed in {framing.window.pictures} pictures",
                where="window.pictures",
                fix="Take at least 4, better 10 a second, or give a track.",
            )
        # Kept with the weights: a run stays what it was when the files change.
        self.register_buffer("bank", torch.view_as_real(masks(head_model(settings.head), framing, settings.limit)))
        times, azimuths = _points(settings)
        self.register_buffer("times", torch.tensor(times))
        self.register_buffer("azimuths", torch.tensor(azimuths))

    @property
    def valid_samples(self) -> int:
        return self.spectrogram.valid_samples

    @property
    def time_dependent(self) -> bool:
        return len(self.times) > 1

    def encode_images(self, images: Tensor) -> Tensor | None:
        """images (B, N, 3, H, W) in [0, 1] -> motion (B, N - 1, W), or the azimuths at the clip's start."""
        if self.moving:
            return tracks.motion(images)
        return self.encode_images_at(images, torch.zeros(len(images), device=images.device))

    def encode_images_at(self, images: Tensor, starts: Tensor) -> Tensor | None:
        """images (B, N, 3, H, W), starts (B,) s -> motion (B, N - 1, W), or azimuths (B, M); None for a fixed angle."""
        if self.moving:
            return tracks.motion(images)
        if not self.time_dependent:
            return None
        moments = starts[:, None] + self._moments(starts.device)
        return tracks.interpolate(moments, self.times, self.azimuths)

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, T) -> stereo (B, 2, T); after `valid_samples` samples both channels are half the mixture."""
        spectrogram = self.spectrogram(mixture)
        mask = self._mask(self._track(mixture, visual))
        difference = self.spectrogram.inverse(apply_mask(mask, spectrogram), mixture.shape[-1])
        return stereo.stereo(mixture, difference)

    def _moments(self, device: torch.device) -> Tensor:
        """The times of the spectrogram's frames in the window, (M,) s."""
        return torch.arange(self.framing.stft_frames, device=device) * (
            self.framing.stft.hop / self.framing.window.rate
        )

    def _track(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """Azimuths (B, M) in degrees."""
        if visual is None:
            return self.azimuths[0].expand(len(mixture), self.framing.stft_frames)
        if not self.moving:
            return visual
        seen = tracks.azimuth_of(tracks.places(visual, mixture), self.settings.field_of_view)
        part = self.framing.window.seconds / self.framing.window.pictures
        middles = part * torch.arange(1, seen.shape[1] + 1, device=seen.device)
        return tracks.interpolate(self._moments(seen.device), middles, seen)

    def _mask(self, azimuths: Tensor) -> Tensor:
        """azimuths (B, M) in degrees -> masks (B, 2, F, M), interpolated between integer degrees."""
        place = (azimuths + 180) % 360
        lower = place.floor()
        share = (place - lower)[..., None, None]
        index = lower.long().clamp(0, 359)
        return (self.bank[index] * (1 - share) + self.bank[index + 1] * share).permute(0, 3, 2, 1)


def _points(settings: PannerSettings) -> tuple[list[float], list[float]]:
    """Times and azimuths of the track; one point for a fixed angle, and 0 for motion, which is not known yet."""
    if settings.track is None or settings.track == "motion":
        return [0.0], [settings.azimuth or 0.0]
    return tracks.read_track(settings.track)
