"""Measured head from a SOFA file (AES69, SimpleFreeFieldHRIR): the ring of directions around the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.signal import resample_poly

from avspatial.errors import DataError
from avspatial.signal.head import Floats

__all__ = ["MeasuredHead", "Ring", "read_ring"]

_HORIZON = 5.0
"""Directions within this many degrees of the horizon count as horizontal."""
_FINE = 16
"""Delays are found on a grid this much finer than the samples."""


@dataclass(frozen=True)
class Ring:
    """Horizontal responses of a measured head.

    Attributes:
        azimuths: (K,), degrees, ascending within [-180, 180).
        responses: (K, 2, N), left then right.
        rate: Sample rate, Hz.
    """

    azimuths: Floats
    responses: Floats
    rate: float


class MeasuredHead:
    """Head model that interpolates between the horizontal directions of a SOFA file.

    Between two measured directions the responses of each ear are brought to a common delay, mixed, and delayed again
    by the mean of the two delays; at a measured direction the response is the measured one (resampled to the requested
    rate). Distance does not change the responses.

    Args:
        path: SOFA file.

    Raises:
        DataError: The file is missing, damaged or no measurement of head-related impulse responses.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._ring = read_ring(self.path)
        self._delays = _delays(self._ring.responses, self._ring.rate)

    def itd(self, azimuth: Any) -> Floats:
        """Right minus left delay, interpolated between the measured directions; see `Head.itd`."""
        lower, upper, part = self._neighbours(np.asarray(azimuth, float))
        delays = self._delays[lower] * (1 - part)[..., None] + self._delays[upper] * part[..., None]
        return np.asarray(delays[..., 1] - delays[..., 0])

    def lead(self, rate: int, length: int) -> int:
        """Mean delay of both ears, rounded; see `Head.lead`."""
        return round(float(self._delays.mean()) * rate)

    def responses(self, azimuths: Any, rate: int, length: int) -> Floats:
        """Head-related impulse responses (K, 2, length) at `rate` Hz; see `Head.responses`."""
        lower, upper, part = self._neighbours(np.atleast_1d(np.asarray(azimuths, float)))
        bank = _fitted(_resampled(self._ring, rate), length)
        spectra = np.fft.rfft(bank, 2 * length)
        turn = -2j * np.pi * np.fft.rfftfreq(2 * length, 1 / rate)
        share = part[:, None, None]
        low, high = self._delays[lower][..., None], self._delays[upper][..., None]
        delay = low * (1 - share) + high * share
        mixed = spectra[lower] * (1 - share) * np.exp(turn * (delay - low))
        mixed += spectra[upper] * share * np.exp(turn * (delay - high))
        return np.fft.irfft(mixed, 2 * length)[..., :length]

    def _neighbours(self, azimuth: Floats) -> tuple[np.ndarray, np.ndarray, Floats]:
        """Indices of the measured directions on either side, and the position between them, 0 to 1."""
        angles = self._ring.azimuths
        wrapped = (azimuth + 180) % 360 - 180
        upper = np.searchsorted(angles, wrapped, side="right") % len(angles)
        lower = (upper - 1) % len(angles)
        gap = (angles[upper] - angles[lower]) % 360
        gap = np.where(gap == 0, 360, gap)
        return lower, upper, ((wrapped - angles[lower]) % 360) / gap


def read_ring(path: Path) -> Ring:
    """Read the horizontal ring of a SOFA file.

    Args:
        path: SOFA file.

    Returns:
        The ring.

    Raises:
        DataError: The file is missing, damaged or no measurement of head-related impulse responses.
    """
    if not path.is_file():
        raise DataError(
            "no such file of head responses", where=path, fix="Give a SOFA file, or set the head to `spherical`."
        )
    try:
        with h5py.File(path, "r") as file:
            responses = np.asarray(file["Data.IR"], float)
            rate = float(np.asarray(file["Data.SamplingRate"]).ravel()[0])
            positions = _spherical(file["SourcePosition"])
            delays = np.asarray(file["Data.Delay"], float) if "Data.Delay" in file else np.zeros((1, 2))
            swapped = "ReceiverPosition" in file and _left_is_second(np.asarray(file["ReceiverPosition"], float))
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _unfit(path, "it needs Data.IR, Data.SamplingRate and SourcePosition") from error
    if responses.ndim != 3 or responses.shape[1] != 2 or len(positions) != len(responses) or not rate > 0:
        raise _unfit(path, f"its Data.IR has the shape {responses.shape}, not (directions, 2 ears, samples)")
    if not np.isfinite(responses).all():
        raise _unfit(path, "its responses hold numbers that are not finite")
    if not responses.any(-1).all():
        raise _unfit(path, "some of its responses are silent")
    responses = _delayed(responses, np.broadcast_to(np.rint(delays).astype(int), responses.shape[:2]))
    return _horizon(path, positions, responses[:, ::-1] if swapped else responses, rate)


def _unfit(path: Path, why: str) -> DataError:
    return DataError(
        f"not a SOFA file of head-related impulse responses: {why}",
        where=path,
        fix="Copy it again, or set the head to `spherical`.",
    )


def _spherical(data: Any) -> Floats:
    """Source positions (K, 2): azimuth and elevation in degrees."""
    position = np.asarray(data, float)
    kind = data.attrs.get("Type", b"spherical")
    if (kind.decode() if isinstance(kind, bytes) else str(kind)) != "cartesian":
        return position[:, :2]
    x, y, z = position.T
    return np.asarray(np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], -1)))


def _left_is_second(receivers: Floats) -> bool:
    """Ears stand on the y axis, left positive."""
    side = receivers.reshape(len(receivers), 3, -1)[:, 1, 0]
    return len(side) == 2 and side[0] < side[1]


def _delayed(responses: Floats, delays: np.ndarray) -> Floats:
    """Responses (K, 2, N), each delayed by its number of samples (K, 2)."""
    if not delays.any():
        return responses
    count = responses.shape[-1]
    out = np.zeros((*responses.shape[:2], count + int(delays.max())))
    for index in np.ndindex(*responses.shape[:2]):
        out[index][delays[index] : delays[index] + count] = responses[index]
    return out


def _horizon(path: Path, positions: Floats, responses: Floats, rate: float) -> Ring:
    """Directions near the horizon at the elevation nearest to it, in the order of their azimuths."""
    elevation = np.abs(positions[:, 1])
    chosen = np.flatnonzero(elevation <= min(elevation.min() + 1e-3, _HORIZON))
    azimuths, first = np.unique(np.round((positions[chosen, 0] + 180) % 360 - 180, 6), return_index=True)
    if len(azimuths) < 8:
        raise _unfit(path, f"it has {len(azimuths)} directions around the horizon, and at least 8 are needed")
    return Ring(azimuths, responses[chosen[first]], rate)


def _resampled(ring: Ring, rate: int) -> Floats:
    """Responses at another rate; the gain of filtering with them stays."""
    if rate == round(ring.rate):
        return ring.responses
    return np.asarray(resample_poly(ring.responses, rate, round(ring.rate), axis=-1) * (ring.rate / rate))


def _fitted(responses: Floats, length: int) -> Floats:
    """Cut or filled up to `length` samples."""
    cut = responses[..., :length]
    return np.pad(cut, [(0, 0), (0, 0), (0, length - cut.shape[-1])])


def _delays(responses: Floats, rate: float) -> Floats:
    """Delay in seconds of each response (K, 2, N): the shift against its minimum-phase version (Nam et al. 2008)."""
    size = 4 * responses.shape[-1]
    spectrum = np.fft.rfft(responses, size)
    cepstrum = np.fft.irfft(np.log(np.maximum(np.abs(spectrum), 1e-6 * np.abs(spectrum).max())), size)
    cepstrum[..., 1 : size // 2] *= 2
    cepstrum[..., size // 2 + 1 :] = 0
    minimal = np.exp(np.fft.rfft(cepstrum, size))
    likeness = np.fft.irfft(spectrum * np.conj(minimal), size * _FINE)
    shift = np.argmax(likeness, -1)
    return np.asarray(np.where(shift > size * _FINE // 2, shift - size * _FINE, shift) / (_FINE * rate))
