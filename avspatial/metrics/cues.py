"""Binaural cues in bands and frames: level difference, time difference, coherence.

Gammatone bands of 4th order (Patterson et al., 1992; ERB after Glasberg and Moore, 1990) one ERB apart from 200 Hz to
the lesser of 6 kHz and 0.45 of the rate: 25 bands at 16 kHz. Frames of 20 ms every 10 ms. J is the number of bands,
K that of frames. Bands are processed one after the other, so that memory holds few of them however long the audio is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from avspatial.metrics.inputs import Array

FRAME_HOP = 0.01
"""Step of a frame, s; a frame is two steps long."""
LOWEST, HIGHEST = 200.0, 6000.0
"""Centres of the lowest and of the highest possible band, Hz."""
FINE_STRUCTURE = 1500.0
"""Up to this centre (Hz) the time difference is that of the waveform, above it that of the envelope."""
LONGEST_ITD = 1e-3
"""Largest time difference that is searched for, s."""
LARGEST_ILD = 30.0
"""Level differences are clipped to this many dB."""
POWER_FLOOR = 1e-14
"""Least mean square of one ear in a band and frame."""
_RING = 0.05
_AT_ONCE = 2
"""Bands filtered together: with both ears four transforms, as many as a processor computes in parallel."""


@dataclass(frozen=True)
class Cues:
    """Each (..., J, K): ild in dB and itd in s, positive left; coherence in [0, 1]; power, the sum of both ears'."""

    ild: Array
    itd: Array
    coherence: Array
    power: Array


def centres(rate: int) -> Array:
    """Centre frequencies (J,) in Hz."""
    erb = 21.4 * np.log10(1 + 0.00437 * np.array([LOWEST, min(HIGHEST, 0.45 * rate)]))
    return np.asarray((10 ** ((erb[0] + np.arange(int(np.diff(erb)[0]) + 1)) / 21.4) - 1) / 0.00437)


def gammatone(x: Array, rate: int) -> Iterator[Array]:
    """x (..., T) -> its analytic bands (..., T'), lowest first; T' >= T + 50 ms, for the filters to decay."""
    from scipy.fft import ifft, next_fast_len, rfft

    length = next_fast_len(x.shape[-1] + round(_RING * rate))
    spectrum = rfft(x, length, axis=-1).astype(np.complex64)
    frequency = np.arange(spectrum.shape[-1]) * rate / length
    centre = centres(rate)[:, None]
    for block in np.split(centre, range(_AT_ONCE, len(centre), _AT_ONCE)):
        bandwidth = 1.019 * 24.7 * (1 + 0.00437 * block)
        pole = (1 + 1j * (frequency - block) / bandwidth).astype(np.complex64)
        squared = pole * pole
        bands = ifft(spectrum[..., None, :] * (2 / (squared * squared)), length, axis=-1)
        yield from (bands[..., band, :] for band in range(len(block)))


def _hops(x: Array, hop: int) -> Array:
    """x (..., T) -> (..., K + 1, hop), a view."""
    count = x.shape[-1] // hop
    return x[..., : count * hop].reshape(*x.shape[:-1], count, hop)


def _frame_sums(x: Array, hop: int) -> Array:
    """Sums over frames, of two hops: x (..., T) -> (..., K)."""
    sums = _hops(x, hop).sum(-1)
    return np.asarray(sums[..., :-1] + sums[..., 1:])


def _frame_products(left: Array, right: Array, hop: int) -> Array:
    """Sums over frames of left(t) right(t), without storing the products."""
    sums = np.einsum("...t,...t->...", _hops(left, hop), _hops(right, hop))
    return np.asarray(sums[..., :-1] + sums[..., 1:])


def _shifted_sums(x: Array, reach: int, hop: int) -> Array:
    """Sums over frames shifted by -reach to reach samples: x (..., T) -> (2 reach + 1, ..., K).

    Running sums: after the first shift, each gains a sample at one end and loses one at the other.
    """
    frames = x.shape[-1] // hop - 1
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(reach, reach)])
    sums = np.empty((2 * reach + 1, *x.shape[:-1], frames))
    sums[0] = _frame_sums(padded[..., : x.shape[-1]], hop)
    for shift in range(2 * reach):
        lost, gained = (padded[..., start:][..., : frames * hop : hop] for start in (shift, shift + 2 * hop))
        sums[shift + 1] = sums[shift] + (gained - lost)
    return sums


def _correlations(ears: tuple[Array, Array], lags: range, hop: int, centred: bool) -> tuple[Array, Array]:
    """Normalised cross-correlation of left(t) and right(t + lag) in frames: (..., T) each -> (lags, ..., K).

    Each ear is shifted by half of a lag, so that exchanging the ears changes only the sign of the lag. `centred`
    subtracts the mean of each frame. The second result says which frames (..., K) are loud enough at both ears.
    """
    samples, reach = ears[0].shape[-1], -(-max(-lags[0], lags[-1]) // 2)
    energies = [_shifted_sums(np.square(ear, dtype=np.float64), reach, hop) for ear in ears]
    audible = np.logical_and(*(energy.min(0) > 2 * hop * POWER_FLOOR for energy in energies))
    if centred:
        sums = [_shifted_sums(ear.astype(np.float64), reach, hop) for ear in ears]
        energies = [np.maximum(energy - total**2 / (2 * hop), 0) for energy, total in zip(energies, sums, strict=True)]
    left, right = (np.pad(ear, [(0, 0)] * (ear.ndim - 1) + [(reach, reach)]) for ear in ears)
    correlations = np.empty((len(lags), *audible.shape), np.float32)
    for place, lag in enumerate(lags):
        late, early = reach - lag // 2, reach + lag - lag // 2
        products = _frame_products(left[..., late : late + samples], right[..., early : early + samples], hop)
        if centred:
            products = products - sums[0][late] * sums[1][early] / (2 * hop)
        energy = energies[0][late] * energies[1][early]
        correlations[place] = products / np.sqrt(np.maximum(energy, (2 * hop * POWER_FLOOR) ** 2))
    return correlations, audible


def _peak(correlation: Array) -> tuple[Array, Array]:
    """correlation (lags, ...) -> position of the maximum, refined by a parabola, and its value."""
    best = correlation.argmax(0)
    inner = np.clip(best, 1, len(correlation) - 2)[None]
    below, top, above = (np.take_along_axis(correlation, inner + step, 0)[0] for step in (-1, 0, 1))
    curvature = (below + above) - 2 * top  # the same with the lags in reverse, to the last bit
    shift = np.where(curvature < 0, 0.5 * (below - above) / np.where(curvature < 0, curvature, 1), 0.0)
    place = np.where(best == inner[0], inner[0] + np.clip(shift, -0.5, 0.5), best)
    return place, correlation.max(0)


def _fitted(x: Array, samples: int) -> Array:
    """x (..., T) cut, or zeros added, at its end."""
    short = max(0, samples - x.shape[-1])
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, short)])[..., :samples]


def _bands(stereo: Array, rate: int, hop: int) -> Iterator[tuple[Array, Array]]:
    """Both ears of each band, padded or cut to full hops, at least two: every sample of the audio is in a frame."""
    samples = max(2, -(-stereo.shape[-1] // hop)) * hop
    for band in gammatone(stereo, rate):
        fitted = _fitted(band, samples)
        yield fitted[..., 0, :], fitted[..., 1, :]


def _powers(envelopes: tuple[Array, Array], hop: int) -> tuple[Array, Array]:
    """Mean square of each ear's band in each frame, (..., K): half that of the envelope."""
    left, right = (_frame_products(envelope, envelope, hop) / (4 * hop) for envelope in envelopes)
    return left, right


def _level_difference(left: Array, right: Array) -> Array:
    ratio = np.maximum(left, POWER_FLOOR) / np.maximum(right, POWER_FLOOR)
    return np.asarray(np.clip(10 * np.log10(ratio), -LARGEST_ILD, LARGEST_ILD))


def band_power(stereo: Array, rate: int) -> Array:
    """stereo (2, T) -> only the `power` (J, K) of its cues."""
    hop = round(FRAME_HOP * rate)
    return np.stack([sum(_powers((np.abs(left), np.abs(right)), hop)) for left, right in _bands(stereo, rate, hop)])


def cues(stereo: Array, rate: int, hop: int | None = None) -> Cues:
    """stereo (..., 2, T) -> `Cues` (..., J, K) in frames of two hops; `hop` in samples, 10 ms by default.

    itd and coherence are the position and the height of the maximum, within +-1 ms, of the normalised
    cross-correlation. Above 1.5 kHz it is that of the envelopes without their means: envelopes are never negative, so
    they would always correlate. If one ear is silent, itd and coherence are 0.
    """
    hop = round(FRAME_HOP * rate) if hop is None else hop
    bands = zip(_bands(stereo, rate, hop), centres(rate) > FINE_STRUCTURE, strict=True)
    parts = [_band_cues(ears, rate, hop, bool(envelope)) for ears, envelope in bands]
    return Cues(*(np.stack(part, -2) for part in zip(*parts, strict=True)))


def _band_cues(ears: tuple[Array, Array], rate: int, hop: int, envelope: bool) -> tuple[Array, ...]:
    """Analytic signals (..., T) of one band -> the parts of `Cues`, (..., K) each, in their order."""
    envelopes = np.abs(ears[0]), np.abs(ears[1])
    reach = round(LONGEST_ITD * rate)
    waveforms = envelopes if envelope else (ears[0].real, ears[1].real)
    correlation, audible = _correlations(waveforms, range(-reach, reach + 1), hop, envelope)
    place, height = _peak(correlation)
    powers = _powers(envelopes, hop)
    itd, coherence = np.where(audible, (place - reach) / rate, 0.0), np.where(audible, np.clip(height, 0, 1), 0.0)
    return _level_difference(*powers), itd, coherence, powers[0] + powers[1]
