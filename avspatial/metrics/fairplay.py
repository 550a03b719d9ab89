"""The FAIR-Play family: the distances of "2.5D Visual Sound" and of the papers after it.

x is the reference, y the prediction, (2, T), left then right, as `conventions.prepare` leaves them. All of them look
at the waveform or its complex spectrogram, so they reward a safe mono: mono scores better than the true sound with
its ears exchanged, and far better than both ears one millisecond late, which nobody hears.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Convention, Truth
from avspatial.metrics.inputs import Array, AudioLike, as_pair, mean_power, spectra
from avspatial.metrics.scalar import ScalarMetric
from avspatial.signal import stereo

POWER_FLOOR = 1e-20
"""Least mean square in the ratio of `snr`: a perfect prediction scores a large number, never infinity."""
_FAIRPLAY = Convention()


def _envelope(x: Array) -> Array:
    """x (..., T) -> the magnitude of its analytic signal (..., T): `scipy.signal.hilbert`'s, by real transforms."""
    from scipy.fft import irfft, rfft

    bins = rfft(x, axis=-1)
    bins *= -1j
    # Neither the mean nor the bin at half the rate has a partner at a negative frequency to be turned against.
    bins[..., 0] = 0
    if x.shape[-1] % 2 == 0:
        bins[..., -1] = 0
    power = np.asarray(irfft(bins, x.shape[-1], axis=-1, overwrite_x=True))
    np.square(power, out=power)
    power += np.square(x)
    return np.sqrt(power, out=power)


def _mean_square(x: Array) -> float:
    return float(np.einsum("ct,ct->", x, x) / x.size)


def stft_distance(prediction: AudioLike, reference: AudioLike, convention: Convention = _FAIRPLAY) -> float:
    """Sum over left and right of the mean, over planes (real, imaginary), bins and frames, of (Y - X)^2.

    No root is taken and all bins count. Lower is better; no unit (power of the normalised signals times n_fft).
    Source: Gao and Grauman, CVPR 2019, official evaluate.py (the mean over both planes is half of mean |Y - X|^2).
    """
    return magnitude_distance(prediction, reference, convention) / 2


def magnitude_distance(prediction: AudioLike, reference: AudioLike, convention: Convention = _FAIRPLAY) -> float:
    """Sum over left and right of mean |Y - X|^2: twice `stft_distance`, despite its name. Lower is better; no unit.

    Source: the "magnitude distance" of PseudoBinaural (Xu et al., CVPR 2021) and its successors.
    """
    y, x = as_pair(prediction, reference)
    c = convention
    return float(mean_power(y - x, c.n_fft, c.hop, c.window, c.pad).sum())


def phase_distance(prediction: AudioLike, reference: AudioLike, convention: Convention = _FAIRPLAY) -> float:
    """Mean over bins and frames of |angle(Y_D) - angle(X_D)|, wrapped to [0, pi], D = left - right. Lower is better.

    In radians. Any mono prediction has no difference, whose angle counts as 0: it scores about pi / 2.
    Source: the "phase distance" of PseudoBinaural (Xu et al., CVPR 2021).
    """
    both = np.stack([stereo.difference(sound) for sound in as_pair(prediction, reference)])
    c = convention
    total, count = 0.0, 0
    for block in spectra(both, c.n_fft, c.hop, c.window, c.pad):
        angles = np.angle(block + 0.0)  # turns -0 into +0, whose angle is 0 and not pi
        turn = np.abs(angles[0] - angles[1])
        total += float(np.minimum(turn, 2 * np.pi - turn).sum())
        count += turn.size
    return total / count


def envelope_distance(prediction: AudioLike, reference: AudioLike) -> float:
    """Sum over left and right of sqrt(mean((env y - env x)^2)), env the magnitude of the analytic signal.

    The Hilbert transform is over the whole clip. Lower is better; no unit (amplitude of the normalised signals).
    Source: Morgado et al., NeurIPS 2018; as in the official evaluate.py of Gao and Grauman, CVPR 2019.
    """
    y, x = as_pair(prediction, reference)
    error = _envelope(y) - _envelope(x)
    return float(np.sqrt(np.einsum("ct,ct->c", error, error) / error.shape[-1]).sum())


def wave_l2(prediction: AudioLike, reference: AudioLike) -> float:
    """1e3 times the mean over both channels and all samples of (y - x)^2. Lower is better; unit 1e-3.

    Source: the "Wave L2" of the SAGM paper's tables. (CCStereo sums the channels: twice this number.)
    """
    y, x = as_pair(prediction, reference)
    return 1e3 * _mean_square(y - x)


def snr(prediction: AudioLike, reference: AudioLike, eps: float = 0.0) -> float:
    """10 log10((mean x^2 + eps) / (mean (y - x)^2 + eps)), the means over both channels. Higher is better; in dB.

    Both terms are at least 1e-20. With eps = 1e-4 it is the variant of PseudoBinaural and CCStereo, which saturates
    near 20 dB.
    """
    y, x = as_pair(prediction, reference)
    signal, noise = _mean_square(x) + eps, _mean_square(y - x) + eps
    return float(10 * np.log10(max(signal, POWER_FLOOR) / max(noise, POWER_FLOOR)))


class StftDistance(ScalarMetric, name="stft_distance", higher_is_better=False):
    """FAIR-Play's STFT distance."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return stft_distance(prediction, reference, self.convention)


class MagnitudeDistance(ScalarMetric, name="magnitude_distance", higher_is_better=False):
    """Twice the STFT distance, by its other name."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return magnitude_distance(prediction, reference, self.convention)


class PhaseDistance(ScalarMetric, name="phase_distance", unit="rad", higher_is_better=False):
    """Mean wrapped phase error of the difference signal's spectrogram."""

    invariant_to = frozenset({"gain"})

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return phase_distance(prediction, reference, self.convention)


class EnvelopeDistance(ScalarMetric, name="envelope_distance", higher_is_better=False):
    """FAIR-Play's envelope distance."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return envelope_distance(prediction, reference)


class WaveL2(ScalarMetric, name="wave_l2", unit="1e-3", higher_is_better=False):
    """Mean squared error of the samples, in thousandths."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return wave_l2(prediction, reference)


class Snr(ScalarMetric, name="snr", unit="dB", higher_is_better=True):
    """Signal-to-noise ratio over both channels."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return snr(prediction, reference)


class SnrEps(ScalarMetric, name="snr_eps", unit="dB", higher_is_better=True):
    """Signal-to-noise ratio with 1e-4 added to both powers."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return snr(prediction, reference, eps=1e-4)
