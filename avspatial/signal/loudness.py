"""Integrated loudness and true peak (ITU-R BS.1770-5, annexes 1 and 2) of signals and of streams.

    meter = LoudnessMeter(rate, channels=2)
    for block in blocks:          # (2, T) each, of any lengths
        meter.add(block)
    print(meter.integrated())

A meter gives the same number for any division into blocks. It can be read at any time, and more blocks can follow.
"""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

__all__ = [
    "LOWEST_RATE",
    "LoudnessMeter",
    "TruePeakMeter",
    "integrated_loudness",
    "k_weighting",
    "true_peak",
]

ABSOLUTE_GATE = -70.0
"""Blocks that are not louder than this (LUFS) do not count."""
RELATIVE_GATE = -10.0
"""Blocks that are not louder than the mean of the remaining ones plus this (LU) do not count."""
OFFSET = -0.691
"""Added to the level of the weighted audio, dB: cancels the weighting's gain at 997 Hz."""
HOP, HOPS = 0.1, 4
"""A gating block is four hops of 100 ms long: 400 ms, overlapping by 75 %."""
PEAK_RATE = 192000
"""True peaks are measured at this rate (Hz) or above, at an even multiple of the signal's."""
LOWEST_RATE = 4000
"""Least rate, Hz: the shelf of the weighting, at 1682 Hz, must lie below half of it."""
_AT_48_KHZ = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621),
)
"""The standard's tables 1 and 2: the head's shelf, then the high-pass; b0, b1, b2, a0, a1, a2."""
_REACH, _KAISER = 16, 8.0
"""Samples on either side that a value between two samples is computed from, and the shape of their Kaiser window."""
_AT_ONCE = 4096

Array = NDArray[Any]


def k_weighting(rate: int) -> Array:
    """Compute the two biquads of the K-weighting.

    At 48 kHz they are the coefficients printed in the standard. At another rate the bilinear transform is undone, which
    gives the analog filters, and applied again with the corner frequency kept: at 997 Hz that is within 0.05 dB of the
    standard's response at 16 kHz, and within 0.21 dB at 8 kHz.

    Args:
        rate: Sample rate, Hz.

    Returns:
        (2, 6), scipy's second-order sections.

    Raises:
        ValueError: A rate below 4 kHz.
    """
    if rate < LOWEST_RATE:
        raise ValueError(f"a rate of {rate} Hz is too low for the K-weighting; {LOWEST_RATE} Hz at least are needed")
    return np.array([_at_rate(np.reshape(biquad, (2, 3)), rate) for biquad in _AT_48_KHZ])


def _at_rate(biquad: Array, rate: int) -> Array:
    """biquad (2, 3), numerator and denominator at 48 kHz -> (6,) at `rate` Hz, a0 = 1."""
    b0, b1, b2 = biquad.T
    # In p = (z - 1) / (z + 1): powers 2, 1, 0.
    analog = np.stack([b0 - b1 + b2, 2 * (b0 - b2), b0 + b1 + b2], -1)
    corner = np.sqrt(analog[1, 2] / analog[1, 0])
    stretch = corner / np.tan(np.arctan(corner) * 48000 / rate)
    square, line, constant = (analog * [stretch**2, stretch, 1.0]).T
    digital = np.stack([square + line + constant, 2 * (constant - square), square - line + constant], -1)
    return np.ravel(digital / digital[1, 0])


def _checked(block: Any, channels: int) -> Array:
    audio = np.asarray(block, np.float64)
    if audio.ndim != 2 or len(audio) != channels:
        raise ValueError(f"the audio has shape {audio.shape}; ({channels}, T) is needed")
    if not np.isfinite(audio).all():
        raise ValueError("the audio holds NaN or infinity")
    return audio


class LoudnessMeter:
    """Integrated loudness of a stream. Keeps 8 bytes for each 100 ms.

    Args:
        rate: Sample rate, Hz, at least 4000.
        channels: 1 or 2.

    Raises:
        ValueError: Another number of channels, or a lower rate.
    """

    def __init__(self, rate: int, channels: int = 2) -> None:
        if channels not in (1, 2):
            raise ValueError(f"loudness is of one or two channels here, not {channels}")
        self._channels = channels
        self._filters = k_weighting(rate)
        self._state = np.zeros((len(self._filters), channels, 2))
        self._hop = round(HOP * rate)
        self._begun = np.zeros(0)
        self._energies = array("d")

    def add(self, block: Any) -> None:
        """Add a block.

        Args:
            block: (C, T), any T.

        Raises:
            ValueError: Another number of channels, NaN or infinity.
        """
        block = _checked(block, self._channels)
        if not block.size:  # sosfilt would refuse it
            return
        weighted, self._state = sosfilt(self._filters, block, axis=-1, zi=self._state)
        squares = np.concatenate([self._begun, np.square(weighted).sum(0)])
        complete = len(squares) // self._hop * self._hop
        self._energies.extend(squares[:complete].reshape(-1, self._hop).sum(-1))
        self._begun = squares[complete:]

    def integrated(self) -> float:
        """Loudness of all blocks so far.

        Returns:
            LUFS; -inf if nothing is louder than -70 LUFS, nan for less than 400 ms.
        """
        hops = np.array(self._energies)
        if len(hops) < HOPS:
            return float("nan")
        powers = np.convolve(hops, np.ones(HOPS), "valid") / (HOPS * self._hop)
        audible = powers[powers > 10 ** ((ABSOLUTE_GATE - OFFSET) / 10)]
        if not len(audible):
            return float("-inf")
        loud = audible[audible > audible.mean() * 10 ** (RELATIVE_GATE / 10)]
        return float(OFFSET + 10 * np.log10(loud.mean()))


class TruePeakMeter:
    """True peak of a stream: the largest magnitude of the continuous signal, between the samples too.

    The signal is interpolated by a windowed sinc, at four points a sample at 48 kHz and at 192 kHz or more in total;
    zeros precede and follow the stream. Memory does not grow.

    Args:
        rate: Sample rate, Hz.
        channels: Number of channels.
    """

    def __init__(self, rate: int, channels: int = 2) -> None:
        factor = 2 * -(-PEAK_RATE // (2 * rate))
        steps = np.arange(1 - _REACH, _REACH + 1)[:, None] - np.arange(1, factor) / factor
        window = np.i0(_KAISER * np.sqrt(1 - (steps / _REACH) ** 2)) / np.i0(_KAISER)
        self._channels = channels
        self._filters = np.sinc(steps) * window
        self._last = np.zeros((channels, 2 * _REACH - 1))
        self._peak = 0.0

    def add(self, block: Any) -> None:
        """Add a block.

        Args:
            block: (C, T), any T.

        Raises:
            ValueError: Another number of channels, NaN or infinity.
        """
        joined = np.concatenate([self._last, _checked(block, self._channels)], -1)
        self._peak = max(self._peak, self._largest(joined))
        self._last = joined[:, joined.shape[-1] - self._last.shape[-1] :]

    def peak(self) -> float:
        """True peak of all blocks so far.

        Returns:
            dBTP, 0 for full scale (1.0); -inf for silence.
        """
        tail = np.pad(self._last, [(0, 0), (0, self._last.shape[-1])])
        largest = max(self._peak, self._largest(tail))
        return float(20 * np.log10(largest)) if largest else float("-inf")

    def _largest(self, x: Array) -> float:
        """Largest magnitude at and between the samples; x (C, T), T at least the length of the filters less 1."""
        largest = np.abs(x).max()
        if x.shape[-1] >= len(self._filters):
            windows = np.lib.stride_tricks.sliding_window_view(x, len(self._filters), axis=-1)
            for start in range(0, windows.shape[1], _AT_ONCE):
                between = windows[:, start : start + _AT_ONCE] @ self._filters
                largest = max(largest, np.abs(between).max())
        return float(largest)


def integrated_loudness(audio: Any, rate: int) -> float:
    """Integrated loudness of a signal. A sine of 997 Hz at 0 dB full scale in one channel measures -3.01 LUFS.

    Args:
        audio: (C, T), C 1 or 2, full scale 1.
        rate: Sample rate, Hz, at least 4000.

    Returns:
        LUFS; -inf if nothing is louder than -70 LUFS, nan for less than 400 ms.

    Raises:
        ValueError: NaN, infinity, more channels or a lower rate.
    """
    meter = LoudnessMeter(rate, len(np.atleast_2d(audio)))
    meter.add(audio)
    return meter.integrated()


def true_peak(audio: Any, rate: int) -> float:
    """True peak of a signal, the largest over its channels.

    Args:
        audio: (C, T), full scale 1.
        rate: Sample rate, Hz.

    Returns:
        dBTP; -inf for silence.

    Raises:
        ValueError: NaN or infinity.
    """
    meter = TruePeakMeter(rate, len(np.atleast_2d(audio)))
    meter.add(audio)
    return meter.peak()
