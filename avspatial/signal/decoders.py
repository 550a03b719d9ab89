"""Binaural decoders of first-order ambisonics: four channels in, two ears out.

Every decoder is linear and does not change over time, so each is one bank of impulse responses (2 ears, 4 channels,
N); they differ in how the bank is found. `mid_side` and `projection8` repeat what public code of the field does,
`virtual` decodes to loudspeakers around a measured head, `magls` fits the head directly (Schoerkhuber, Zaunschirm and
Hoeldrich 2018, "Binaural rendering of ambisonic signals via magnitude least squares").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.signal import oaconvolve
from scipy.spatial import SphericalVoronoi

from avspatial.signal.ambisonics import gains
from avspatial.signal.head import Floats
from avspatial.signal.sofa import HeadResponses

__all__ = ["LAYOUTS", "BinauralDecoder", "magls", "mid_side", "projection8", "virtual"]

CROSSOVER = 2000.0
"""`magls` matches magnitudes alone above this frequency, Hz: first order cannot give the phase there."""
_HOLE = 2.0
"""A direction whose share of the sphere is this many times the median stands next to a gap of the measurement."""


def _icosahedron() -> list[tuple[float, float]]:
    """The twelve corners of an icosahedron that stands on an edge: mirrored left and right."""
    golden = (1 + 5**0.5) / 2
    corners = []
    for major in (1.0, -1.0):
        for minor in (golden, -golden):
            corners += [(0.0, major, minor), (major, minor, 0.0), (minor, 0.0, major)]
    return [
        (float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arcsin(z / np.hypot(1, golden)))))
        for x, y, z in corners
    ]


_DIAGONAL = float(np.degrees(np.arcsin(1 / np.sqrt(3))))
LAYOUTS: dict[str, list[tuple[float, float]]] = {
    "ring8": [(azimuth, 0) for azimuth in range(-180, 180, 45)],
    "cube": [(azimuth, side * _DIAGONAL) for azimuth in (45, 135, -135, -45) for side in (1, -1)],
    "tdesign12": _icosahedron(),
}
"""Virtual loudspeakers: azimuth and elevation in degrees. `cube` is a spherical 3-design, `tdesign12` a 5-design."""


@dataclass(frozen=True)
class BinauralDecoder:
    """A bank of impulse responses from W, Y, Z, X (SN3D) to the ears.

    Attributes:
        filters: (2, 4, N), left then right.
        rate: Sample rate, Hz; None for a bank without delay that fits every rate.
        lead: Samples that pass before a sound would reach the middle of the head.
    """

    filters: Floats
    rate: int | None = None
    lead: int = 0

    def __call__(self, field: Floats) -> Floats:
        """Render a field.

        Args:
            field: (4, T): W, Y, Z, X.

        Returns:
            (2, T) in the field's precision, in step with the field: the decoder's lead is taken off.
        """
        count = field.shape[-1]
        ears = oaconvolve(field[None], self.filters.astype(field.dtype), axes=-1).sum(1)
        ears = np.pad(ears, [(0, 0), (0, self.lead)])
        return np.asarray(ears[:, self.lead : self.lead + count])

    def response(self, azimuth: float, elevation: float = 0.0) -> Floats:
        """Impulse responses (2, N) to a plane wave from a direction in degrees, positive is left and up."""
        return np.asarray(np.einsum("ecn,c->en", self.filters, gains(azimuth, elevation)))


def mid_side() -> BinauralDecoder:
    """(W + Y) / 2 and (W - Y) / 2: left plus right is W, left minus right is Y. Level differences alone.

    The conversion without a head of PseudoBinaural's and spatialaudiogen's public code.
    """
    return BinauralDecoder(np.array([[0.5, 0.5, 0, 0], [0.5, -0.5, 0, 0]])[..., None])


def projection8(head: HeadResponses, rate: int, *, resample: bool = True) -> BinauralDecoder:
    """Eight loudspeakers on the horizon, each fed W + Y sin p + X cos p, through the nearest measured responses.

    The "projection" decoder of spatialaudiogen and of PseudoBinaural's tool, there with CIPIC subject 003.

    Args:
        head: Measured responses.
        rate: Sample rate of the fields, Hz.
        resample: False leaves the responses at the rate at which they were measured, as the public tool does when it
            reads them: at 16 kHz time differences are then 2.76 times too long.

    Returns:
        The decoder, with the gain of the package's other decoders (`_normalized`), not the tool's.
    """
    speakers = np.array(LAYOUTS["ring8"], float)
    feeds = gains(*speakers.T) * [1, 1, 0, 1]
    return _through(head.resampled(rate) if resample else head, speakers, feeds, rate)


def virtual(
    head: HeadResponses, rate: int, layout: str = "cube", weighting: Literal["pinv", "max_re"] = "pinv"
) -> BinauralDecoder:
    """Decode to virtual loudspeakers, each rendered with the nearest measured responses.

    Args:
        head: Measured responses.
        rate: Sample rate of the fields, Hz.
        layout: One of `LAYOUTS`.
        weighting: `pinv` is the pseudo-inverse of the loudspeakers' gains (mode matching); `max_re` weakens the first
            order so that the energy vector is longest (Daniel 2000: 1 / sqrt 2 in the plane, 1 / sqrt 3 in space).

    Returns:
        The decoder.
    """
    speakers = np.array(LAYOUTS[layout], float)
    encoding = gains(*speakers.T)
    feeds = np.linalg.pinv(encoding).T
    if weighting == "max_re":
        flat = not np.any(speakers[:, 1])
        feeds = feeds * np.array([1, *[1 / np.sqrt(2 if flat else 3)] * 3])
    return _through(head.resampled(rate), speakers, feeds, rate)


def magls(head: HeadResponses, rate: int, crossover: float = CROSSOVER) -> BinauralDecoder:
    """Fit the four channels to a measured head: least squares below `crossover`, magnitudes alone above it.

    Above it the phase of each bin is continued from the bin below (Schoerkhuber et al. 2018); directions count by
    the share of the sphere that they stand for, and those next to a gap of the measurement by the median share.

    Args:
        head: Measured responses, best on the entire sphere.
        rate: Sample rate of the fields, Hz.
        crossover: Hz.

    Returns:
        The decoder.

    Raises:
        ValueError: Directions that are all on one ring, such as the horizon.
    """
    head = head.resampled(rate)
    length = head.responses.shape[-1]
    frequencies = np.fft.rfftfreq(2 * length, 1 / rate)
    # Without their common delay: a phase that is continued then stands for a sound that arrives with the low notes.
    spectra = np.fft.rfft(head.responses, 2 * length) * np.exp(2j * np.pi * frequencies * head.lead / rate)
    root = np.sqrt(_shares(head))[:, None]
    encoding = gains(head.azimuths, head.elevations)
    solve = np.linalg.pinv(root * encoding)
    bins = np.zeros((4, 2, len(frequencies)), complex)
    for index, frequency in enumerate(frequencies):
        target = spectra[:, :, index]
        if frequency > crossover:
            target = np.abs(target) * np.exp(1j * np.angle(encoding @ bins[:, :, index - 1]))
        bins[:, :, index] = solve @ (root * target)
    filters = np.roll(np.fft.irfft(bins, 2 * length), length // 2, -1)
    return _normalized(filters.transpose(1, 0, 2), rate, length // 2)


def _through(head: HeadResponses, speakers: Floats, feeds: Floats, rate: int) -> BinauralDecoder:
    """Loudspeakers (K, 2) fed by `feeds` (K, 4), each through the responses nearest to its direction."""
    responses = head.responses[head.nearest(*speakers.T)]
    return _normalized(np.einsum("ken,kc->ecn", responses, feeds), rate, head.lead)


def _normalized(filters: Floats, rate: int, lead: int) -> BinauralDecoder:
    """Scaled by one constant, so that (left + right) / 2 of white noise from the front keeps its energy."""
    front = np.einsum("ecn,c->en", filters, gains(0.0)).mean(0)
    return BinauralDecoder(filters / np.sqrt((front**2).sum()), rate, lead)


def _shares(head: HeadResponses) -> Floats:
    """Share of the sphere that each direction stands for, (D,). ValueError for directions that are all on one ring.

    A direction that was measured twice, as poles often are, has half of its share each time.
    """
    points, where, times = np.unique(head.points.round(6), axis=0, return_inverse=True, return_counts=True)
    if np.linalg.matrix_rank(points - points.mean(0), tol=1e-3) < 3:
        raise ValueError("the directions lie on one ring, not around the head")
    areas = np.asarray(SphericalVoronoi(points / np.linalg.norm(points, axis=1, keepdims=True)).calculate_areas())
    median = np.median(areas)
    return np.asarray((np.where(areas > _HOLE * median, median, areas) / times)[where.ravel()])
