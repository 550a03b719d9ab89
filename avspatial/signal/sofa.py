"""Measured heads: MIT KEMAR as the package carries it, or any SOFA file (AES69, SimpleFreeFieldHRIR)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import soundfile
from scipy.signal import resample_poly

from avspatial.errors import DataError
from avspatial.signal.head import Floats, unit_vectors

__all__ = ["HeadResponses", "MeasuredHead", "read_responses"]

_HORIZON = 5.0
"""Directions within this many degrees of the horizon count as horizontal."""
_LARGEST = 1e6
"""No response of a head is larger: 1 is the free field."""
_KEMAR = Path(__file__).parent / "mit_kemar"
_FINE = 16
"""Delays are found on a grid this much finer than the samples."""


@dataclass(frozen=True)
class HeadResponses:
    """Measured head-related impulse responses.

    Attributes:
        azimuths: (D,), degrees within [-180, 180), positive is left.
        elevations: (D,), degrees, positive is up.
        responses: (D, 2, N), left then right.
        rate: Sample rate, Hz.
    """

    azimuths: Floats
    elevations: Floats
    responses: Floats
    rate: float

    @property
    def points(self) -> Floats:
        """Directions as unit vectors (D, 3): front, left, up."""
        return unit_vectors(self.azimuths, self.elevations)

    @cached_property
    def delays(self) -> Floats:
        """Delays of the responses (D, 2), s."""
        return _delays(self.responses, self.rate)

    @property
    def lead(self) -> int:
        """Samples that pass before a sound would reach the middle of the head: the mean delay."""
        return round(float(self.delays.mean()) * self.rate)

    def nearest(self, azimuth: Floats, elevation: Floats) -> np.ndarray:
        """Indices of the measured directions nearest to directions in degrees, of the same shape."""
        return np.asarray(np.argmax(unit_vectors(azimuth, elevation) @ self.points.T, -1))

    def resampled(self, rate: int) -> HeadResponses:
        """The responses at another rate in Hz; the gain of filtering with them stays."""
        if rate == round(self.rate):
            return self
        responses = resample_poly(self.responses, rate, round(self.rate), axis=-1) * (self.rate / rate)
        return replace(self, responses=np.asarray(responses), rate=float(rate))

    def ring(self) -> HeadResponses:
        """The directions at the elevation nearest to the horizon, in the order of their azimuths; may be empty."""
        height = np.abs(self.elevations)
        chosen = np.flatnonzero(height <= min(height.min() + 1e-3, _HORIZON))
        azimuths, first = np.unique(np.round(self.azimuths[chosen], 6), return_index=True)
        return HeadResponses(azimuths, self.elevations[chosen[first]], self.responses[chosen[first]], self.rate)


class MeasuredHead:
    """Head model that interpolates between the horizontal directions of a measured head.

    Between two measured directions the responses of each ear are brought to a common delay, mixed, and delayed again
    by the mean of the two delays; at a measured direction the response is the measured one (resampled to the requested
    rate). Distance does not change the responses.

    Args:
        head: `kemar`, or a SOFA file.

    Raises:
        DataError: The file is missing, damaged or no measurement of head-related impulse responses.
    """

    def __init__(self, head: str | Path) -> None:
        self._ring = read_responses(head).ring()
        count = len(self._ring.azimuths)
        if count < 8:
            raise _unfit(Path(head), f"it has {count} directions around the horizon, and at least 8 are needed")
        self._delays = self._ring.delays

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
        bank = _fitted(self._ring.resampled(rate).responses, length)
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


def read_responses(head: str | Path) -> HeadResponses:
    """Read a measured head.

    Args:
        head: `kemar` for MIT KEMAR (Gardner and Martin 1994), which the package carries, or a SOFA file.

    Returns:
        Its responses in all measured directions.

    Raises:
        DataError: The file is missing, damaged or no measurement of head-related impulse responses.
    """
    if str(head) == "kemar":
        return _kemar()
    path = Path(head)
    if not path.is_file():
        raise DataError(
            "no such file of head responses", where=path, fix="Give a SOFA file, `kemar`, or `spherical` for a sphere."
        )
    try:
        with h5py.File(path, "r") as file:
            responses = np.asarray(file["Data.IR"], float)
            rate = float(np.asarray(file["Data.SamplingRate"]).ravel()[0])
            positions = _spherical(file["SourcePosition"])
            delays = np.asarray(file["Data.Delay"], float) if "Data.Delay" in file else np.zeros((1, 2))
            receivers = np.asarray(file["ReceiverPosition"], float) if "ReceiverPosition" in file else np.zeros((2, 3))
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise _unfit(path, "it needs Data.IR, Data.SamplingRate and SourcePosition") from error
    if responses.ndim != 3 or responses.shape[1] != 2 or len(positions) != len(responses) or not rate > 0:
        raise _unfit(path, f"its Data.IR has the shape {responses.shape}, not (directions, 2 ears, samples)")
    if not (np.isfinite(responses).all() and np.isfinite(positions).all()):
        raise _unfit(path, "its responses or directions hold numbers that are not finite")
    if np.abs(responses).max() > _LARGEST:
        raise _unfit(path, f"its responses hold numbers beyond {_LARGEST:.0e}")
    if not responses.any(-1).all():
        raise _unfit(path, "some of its responses are silent")
    responses = _delayed(responses, np.broadcast_to(np.rint(delays).astype(int), responses.shape[:2]))
    if _left_is_second(positions[:, 0], responses, receivers):
        responses = responses[:, ::-1]
    return HeadResponses((positions[:, 0] + 180) % 360 - 180, positions[:, 1], responses, rate)


def _kemar() -> HeadResponses:
    """The packaged head: the right ear hears as the left one does from the mirrored azimuth."""
    azimuths, elevations = np.loadtxt(_KEMAR / "directions.csv", delimiter=",", skiprows=1).T
    samples, rate = soundfile.read(_KEMAR / "left_ear.flac")
    left = samples.reshape(len(azimuths), -1)
    ear = HeadResponses((azimuths + 180) % 360 - 180, elevations, left[:, None], float(rate))
    return replace(ear, responses=np.stack([left, left[ear.nearest(-azimuths, elevations)]], 1))


def _unfit(path: Path, why: str) -> DataError:
    return DataError(
        f"not a SOFA file of head-related impulse responses: {why}",
        where=path,
        fix="Copy it again, or set the head to `kemar` or `spherical`.",
    )


def _spherical(data: Any) -> Floats:
    """Source positions (K, 2): azimuth and elevation in degrees."""
    position = np.asarray(data, float)
    kind = data.attrs.get("Type", b"spherical")
    if (kind.decode() if isinstance(kind, bytes) else str(kind)) != "cartesian":
        return position[:, :2]
    x, y, z = position.T
    return np.asarray(np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], -1)))


def _left_is_second(azimuths: Floats, responses: Floats, receivers: Floats) -> bool:
    """Whether the second channel is the left ear: the one that is louder from the left than from the right.

    Levels decide before the file's ReceiverPosition, which a widespread conversion of the CIPIC heads has reversed;
    that place (left is positive on the y axis) counts where the levels differ by less than 1 dB.
    """
    lateral = np.sin(np.radians(azimuths))
    energy = np.maximum((responses**2).sum(-1), np.finfo(float).tiny)
    difference = 10 * np.log10(energy[:, 0] / energy[:, 1])
    left, right = difference[lateral > 0.5], difference[lateral < -0.5]
    if left.size and right.size and abs(left.mean() - right.mean()) > 1:
        return bool(left.mean() < right.mean())
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
