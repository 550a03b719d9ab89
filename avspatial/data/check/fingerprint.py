"""Fingerprints of audio that survive re-encoding, resampling and gain (Haitsma and Kalker, ISMIR 2002).

The spectrum of a frame of 0.41 s is summed in 33 bands from 300 to 2000 Hz. One bit for each pair of neighbouring
bands says whether their difference grows from one frame to the next; the 32 bits of a frame are one word. Frames follow
each other every 12.8 ms, so that words change slowly, and excerpts that begin at other times agree nevertheless.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avspatial.media.resample import resample

RATE = 5000
"""Rate of the analysed audio, Hz."""
HOP = 64
STEP = HOP / RATE
"""Time from one word to the next, s."""
_SAMPLES = 2048
FRAME = _SAMPLES / RATE
"""Length of audio that a word depends on, s."""
_EDGES = np.geomspace(300, 2000, 34)
WEAK = 4
"""Bits of a word that count as weak."""
_SILENT = 1e-10
"""Mean square in all bands (full scale is 1) up to which a frame has no word: -100 dB."""
_BLOCK = 4096
"""Frames of one transform."""


@dataclass(frozen=True)
class Fingerprint:
    """Words of an excerpt, one each 12.8 ms.

    Attributes:
        words: (K,) uint32.
        weak: (K,) uint32, each with the four bits set that were decided most narrowly: a copy has them wrong first.
        sounding: (K,) bool; False where the audio is silent, and the word therefore arbitrary.
    """

    words: np.ndarray
    weak: np.ndarray
    sounding: np.ndarray

    @classmethod
    def empty(cls) -> Fingerprint:
        """The fingerprint of audio that is too short for one."""
        return cls(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, bool))


def fingerprint(mono: np.ndarray, rate: int) -> Fingerprint:
    """Compute the fingerprint of a signal.

    Args:
        mono: (T,), full scale is 1.
        rate: Sample rate, Hz.

    Returns:
        Its words; none for a signal that is shorter than 0.42 s.
    """
    signal = resample(np.asarray(mono, np.float32)[None], rate, RATE)[0]
    count = 1 + (len(signal) - _SAMPLES) // HOP
    if count < 2:
        return Fingerprint.empty()
    frames = np.lib.stride_tricks.sliding_window_view(signal, _SAMPLES)[::HOP]
    energies = np.concatenate([_energies(frames[start : start + _BLOCK]) for start in range(0, count, _BLOCK)])
    slopes = np.diff(np.diff(energies, axis=1), axis=0)
    words = np.packbits(slopes < 0, axis=1, bitorder="little").view("<u4")[:, 0]
    narrow = np.argpartition(np.abs(slopes), WEAK, axis=1)[:, :WEAK]
    weak = np.bitwise_or.reduce(np.uint32(1) << narrow.astype(np.uint32), axis=1)
    return Fingerprint(words, weak, energies[1:].sum(1) > _SILENT)


def _energies(frames: np.ndarray) -> np.ndarray:
    """Energy of each frame in each band, (K, 33)."""
    window = np.hanning(_SAMPLES).astype(np.float32)
    spectrum = np.fft.rfft(frames * window)
    power = spectrum.real**2 + spectrum.imag**2
    edges = np.round(_EDGES * _SAMPLES / RATE).astype(int)
    return np.add.reduceat(power, edges, axis=1)[:, :-1] * (2 / (_SAMPLES * (window**2).sum()))
