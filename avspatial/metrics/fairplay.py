"""Metrics of FAIR-Play: the distances of "2.5D Visual Sound" (CVPR 2019) and of the papers after it.

x is the reference, y the prediction, (2, T), left then right, as `prepare` returns them. All of these metrics compare
waveforms or complex spectrograms, so they reward a safe mono: mono scores better than the reference with its channels
exchanged, and far better than a delay of both channels by one millisecond, which is inaudible.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Convention, Truth
from avspatial.metrics.inputs import Array, Audio, as_pair, mean_power, spectra
from avspatial.metrics.scalar import ScalarMetric
from avspatial.signal import stereo

POWER_FLOOR = 1e-20
"""Least mean square in the ratio of `snr`: a perfect prediction has a large value, never infinity."""
_FAIRPLAY = Convention()


def _envelope(x: Array) -> Array:
    """x (..., T) -> the magnitude of its analytic signal (..., T): `scipy.signal.hilbert`'s, by real transforms."""
    from scipy.fft import irfft, rfft

    bins = rfft(x, axis=-1)
    bins *= -1j
    # Neither the mean nor the bin at half the rate has a counterpart at a negative frequency.
    bins[..., 0] = 0
    if x.shape[-1] % 2 == 0:
        bins[..., -1] = 0
    power = np.asarray(irfft(bins, x.shape[-1], axis=-1, overwrite_x=True))
    np.square(power, out=power)
    power += np.square(x)
    return np.asarray(np.sqrt(power, out=power))


def _mean_square(x: Array) -> float:
    return float(np.einsum("ct,ct->", x, x) / x.size)


def stft_distance(prediction: Audio, reference: Audio, convention: Convention = _FAIRPLAY) -> float:
    """STFT distance of FAIR-Play's evaluation. Lower is better.

    Sum over left and right of the mean, over planes (real, imaginary), bins and frames, of (Y - X)^2, where Y and X
    are the spectrograms. No root is taken and all bins count. The mean over both planes is half of mean |Y - X|^2.
    Source: Gao and Grauman, "2.5D Visual Sound", CVPR 2019, official evaluate.py.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.
        convention: FFT length, window, hop and padding of the spectrogram.

    Returns:
        Distance without a unit (power of the normalised signals times n_fft), at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import stft_distance
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> stft_distance(reference, reference)
        0.0
        >>> round(stft_distance(0.5 * reference, reference), 4)
        0.3209
    """
    return magnitude_distance(prediction, reference, convention) / 2


def magnitude_distance(prediction: Audio, reference: Audio, convention: Convention = _FAIRPLAY) -> float:
    """Magnitude distance of PseudoBinaural: twice `stft_distance`, despite its name. Lower is better.

    Sum over left and right of the mean, over bins and frames, of |Y - X|^2.
    Source: Xu et al., "Visually Informed Binaural Audio Generation without Binaural Audios", CVPR 2021, and successors.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.
        convention: FFT length, window, hop and padding of the spectrogram.

    Returns:
        Distance without a unit (power of the normalised signals times n_fft), at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import magnitude_distance
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> round(magnitude_distance(0.5 * reference, reference), 4)
        0.6418
    """
    y, x = as_pair(prediction, reference)
    c = convention
    return float(mean_power(y - x, c.n_fft, c.hop, c.window, c.pad).sum())


def phase_distance(prediction: Audio, reference: Audio, convention: Convention = _FAIRPLAY) -> float:
    """Phase distance of PseudoBinaural. Lower is better.

    Mean over bins and frames of |angle(Y_D) - angle(X_D)|, wrapped to [0, pi], with D = left - right. A mono
    prediction has no difference; its angle counts as 0, so any mono scores about pi / 2.
    Source: Xu et al., "Visually Informed Binaural Audio Generation without Binaural Audios", CVPR 2021.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.
        convention: FFT length, window, hop and padding of the spectrogram.

    Returns:
        Angle in radians, 0 to pi.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import phase_distance
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> round(phase_distance(reference[::-1], reference), 4)  # the difference changes its sign
        3.1416
        >>> phase_distance(0.5 * reference, reference)
        0.0
    """
    differences = np.stack([stereo.difference(audio) for audio in as_pair(prediction, reference)])
    c = convention
    total, count = 0.0, 0
    for block in spectra(differences, c.n_fft, c.hop, c.window, c.pad):
        angles = np.angle(block + 0.0)  # turns -0 into +0, whose angle is 0 and not pi
        turn = np.abs(angles[0] - angles[1])
        total += float(np.minimum(turn, 2 * np.pi - turn).sum())
        count += turn.size
    return total / count


def envelope_distance(prediction: Audio, reference: Audio) -> float:
    """Envelope distance of FAIR-Play's evaluation. Lower is better.

    Sum over left and right of sqrt(mean (env(y) - env(x))^2), where env is the magnitude of the analytic signal. The
    Hilbert transform is over the entire clip.
    Source: Morgado et al., NeurIPS 2018; as in the official evaluate.py of Gao and Grauman, CVPR 2019.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.

    Returns:
        Distance without a unit (amplitude of the normalised signals), at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import envelope_distance
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> round(envelope_distance(0.5 * reference, reference), 4)
        0.5705
    """
    y, x = as_pair(prediction, reference)
    error = _envelope(y) - _envelope(x)
    return float(np.sqrt(np.einsum("ct,ct->c", error, error) / error.shape[-1]).sum())


def wave_l2(prediction: Audio, reference: Audio) -> float:
    """Mean squared error of the samples, in thousandths. Lower is better.

    1e3 times the mean over both channels and all samples of (y - x)^2.
    Source: "Wave L2" of the SAGM paper's tables (arXiv 2311.07630). CCStereo sums the channels: twice this value.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.

    Returns:
        Mean squared error in 1e-3, at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import wave_l2
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> round(wave_l2(0.5 * reference, reference), 4)
        80.0781
    """
    y, x = as_pair(prediction, reference)
    return 1e3 * _mean_square(y - x)


def snr(prediction: Audio, reference: Audio, eps: float = 0.0) -> float:
    """Signal-to-noise ratio over both channels. Higher is better.

    10 log10((mean x^2 + eps) / (mean (y - x)^2 + eps)), both terms at least 1e-20. With eps = 1e-4 it is the variant of
    PseudoBinaural (CVPR 2021) and CCStereo (the component `snr_eps`), which saturates near 20 dB.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.
        eps: Power added to signal and noise.

    Returns:
        Ratio in dB.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import snr
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> round(snr(0.5 * reference, reference), 4)
        6.0206
        >>> round(snr(0.5 * reference, reference, eps=1e-4), 4)
        6.0165
    """
    y, x = as_pair(prediction, reference)
    signal, noise = _mean_square(x) + eps, _mean_square(y - x) + eps
    return float(10 * np.log10(max(signal, POWER_FLOOR) / max(noise, POWER_FLOOR)))


class StftDistance(ScalarMetric, name="stft_distance", higher_is_better=False):
    """FAIR-Play's STFT distance."""

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return stft_distance(prediction, reference, self.convention)


class MagnitudeDistance(ScalarMetric, name="magnitude_distance", higher_is_better=False):
    """Twice the STFT distance, by its other name."""

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return magnitude_distance(prediction, reference, self.convention)


class PhaseDistance(ScalarMetric, name="phase_distance", unit="rad", higher_is_better=False):
    """Mean wrapped phase error of the difference signal's spectrogram."""

    invariant_to = frozenset({"gain"})

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return phase_distance(prediction, reference, self.convention)


class EnvelopeDistance(ScalarMetric, name="envelope_distance", higher_is_better=False):
    """FAIR-Play's envelope distance."""

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return envelope_distance(prediction, reference)


class WaveL2(ScalarMetric, name="wave_l2", unit="1e-3", higher_is_better=False):
    """Mean squared error of the samples, in thousandths."""

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return wave_l2(prediction, reference)


class Snr(ScalarMetric, name="snr", unit="dB", higher_is_better=True):
    """Signal-to-noise ratio over both channels."""

    eps = 0.0

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return snr(prediction, reference, self.eps)


class SnrEps(Snr, name="snr_eps", unit="dB", higher_is_better=True):
    """Signal-to-noise ratio with 1e-4 added to both powers."""

    eps = 1e-4
