"""Binaural cues in bands and frames: level difference, time difference, coherence.

Gammatone bands of 4th order (Patterson et al., 1992; ERB after Glasberg and Moore, 1990) one ERB apart from 200 Hz to
the lesser of 6 kHz and 0.45 of the rate: 25 bands at 16 kHz. Frames of 20 ms every 10 ms. Letters here: J bands,
K frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avspatial.metrics.sound import Array

FRAME_HOP = 0.01
"""Step of a frame, s; a frame is two steps long."""
LOWEST, HIGHEST = 200.0, 6000.0
"""Centres of the lowest and of the highest possible band, Hz."""
FINE_STRUCTURE = 1500.0
"""Up to this centre (Hz) the time difference is that of the waveform, above it that of the envelope."""
LONGEST_ITD = 1e-3
"""Time differences are sought within this many seconds."""
LARGEST_ILD = 30.0
"""Level differences are clipped to this many dB."""
POWER_FLOOR = 1e-14
"""Least mean square of one ear in a band and frame."""
_RING = 0.05


@dataclass(frozen=True)
class Cues:
    """Each (..., J, K): ild in dB and itd in s, positive left; coherence in [0, 1]; power, the sum of both ears'."""

    ild: Array
    itd: Array
    coherence: Array
    power: Array


def centres(rate: int) -> Array:
    """Centre frequencies (J,) in Hz."""
    number = 21.4 * np.log10(1 + 0.00437 * np.array([LOWEST, min(HIGHEST, 0.45 * rate)]))
    return (10 ** ((number[0] + np.arange(int(np.diff(number)[0]) + 1)) / 21.4) - 1) / 0.00437


def gammatone(x: Array, rate: int) -> Array:
    """x (..., T) -> analytic band signals (..., J, T'), T' >= T + 50 ms: room for the filters to ring."""
    from scipy.fft import ifft, next_fast_len, rfft

    length = next_fast_len(x.shape[-1] + round(_RING * rate))
    spectrum = rfft(x, length, axis=-1).astype(np.complex64)[..., None, :]
    frequency = np.arange(spectrum.shape[-1]) * rate / length
    centre = centres(rate)[:, None]
    bandwidth = 1.019 * 24.7 * (1 + 0.00437 * centre)
    pole = (1 + 1j * (frequency - centre) / bandwidth).astype(np.complex64)
    squared = pole * pole
    return np.asarray(ifft(spectrum * (2 / (squared * squared)), length, axis=-1))


def _lagged_products(left: Array, right: Array, lags: range, hop: int) -> Array:
    """Sums over frames of left(t) right(t + lag): (..., J, T) -> (lags, ..., J, K), frames of two hops."""
    blocks = left.shape[-1] // hop
    shape = (*left.shape[:-1], blocks, hop)
    first = left[..., : blocks * hop].reshape(shape)
    reach = max(-lags[0], lags[-1])
    padded = np.pad(right, [(0, 0)] * (right.ndim - 1) + [(reach, reach)])
    sums = np.empty((len(lags), *shape[:-1]), np.float32)
    for place, lag in enumerate(lags):
        shifted = padded[..., reach + lag : reach + lag + blocks * hop].reshape(shape)
        np.einsum("...t,...t->...", first, shifted, out=sums[place])
    return sums[..., :-1] + sums[..., 1:]


def _peak(correlation: Array) -> tuple[Array, Array]:
    """correlation (lags, ...) -> place of the maximum, with a parabola through its neighbours, and its value."""
    best = correlation.argmax(0)
    inner = np.clip(best, 1, len(correlation) - 2)[None]
    below, top, above = (np.take_along_axis(correlation, inner + step, 0)[0] for step in (-1, 0, 1))
    curvature = below - 2 * top + above
    shift = np.where(curvature < 0, 0.5 * (below - above) / np.where(curvature < 0, curvature, 1), 0.0)
    place = np.where(best == inner[0], inner[0] + np.clip(shift, -0.5, 0.5), best)
    return place, correlation.max(0)


def _fitted(x: Array, samples: int) -> Array:
    """x (..., T) cut, or zeros added, at its end."""
    short = max(0, samples - x.shape[-1])
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, short)])[..., :samples]


def _bands(stereo: Array, rate: int, hop: int) -> Array:
    """Analytic bands in whole hops, at least two, so that every sample is in a frame; the rest of the ring dropped."""
    return _fitted(gammatone(stereo, rate), max(2, -(-stereo.shape[-1] // hop)) * hop)


def _powers(bands: Array, hop: int) -> Array:
    """Mean square in each frame, (2, ..., J, K), left then right: half that of the envelope."""
    return np.stack([_lagged_products(ear, ear, range(1), hop)[0] / (4 * hop) for ear in _ears(np.abs(bands))])


def band_power(stereo: Array, rate: int) -> Array:
    """stereo (2, T) -> (J, K): the `power` of its cues, without the rest of them."""
    hop = round(FRAME_HOP * rate)
    return np.asarray(_powers(_bands(stereo, rate, hop), hop).sum(0))


def cues(stereo: Array, rate: int, hop: int | None = None) -> Cues:
    """stereo (..., 2, T) -> `Cues` (..., J, K), frames of two hops (10 ms a hop unless told, in samples).

    itd and coherence are the place and the height of the maximum of the normalised cross-correlation within +-1 ms.
    A silent ear has no correlation: itd and coherence 0.
    """
    hop = round(FRAME_HOP * rate) if hop is None else hop
    bands = _bands(stereo, rate, hop)
    waveform = np.where((centres(rate) <= FINE_STRUCTURE)[:, None], bands.real, np.abs(bands))
    reach = round(LONGEST_ITD * rate)
    left, right = _ears(waveform)
    lags = range(-reach, reach + 1)
    # The lagged ear's energy is that of its own samples: otherwise sounds that swell would seem to be late.
    energy = _lagged_products(left, left, range(1), hop) * _lagged_products(np.ones_like(right), right**2, lags, hop)
    heard = energy.min(0) > (2 * hop * POWER_FLOOR) ** 2
    place, height = _peak(_lagged_products(left, right, lags, hop) / np.sqrt(np.where(heard, energy, 1)))
    power = _powers(bands, hop)
    louder = np.maximum(power, POWER_FLOOR)
    return Cues(
        ild=np.clip(10 * np.log10(louder[0] / louder[1]), -LARGEST_ILD, LARGEST_ILD),
        itd=np.where(heard, (place - reach) / rate, 0.0),
        coherence=np.where(heard, np.clip(height, 0, 1), 0.0),
        power=power.sum(0),
    )


def _ears(bands: Array) -> tuple[Array, Array]:
    return bands[..., 0, :, :], bands[..., 1, :, :]
