"""Definitions written out with numpy alone, slowly, for the metrics to be held against."""

from __future__ import annotations

import numpy as np

RATE = 16000


class WrittenOut:
    """Cues of stereo (2, T) in frames of two hops, as the documentation says: (J, K) each, in float64, by loops."""

    def __init__(self, stereo: np.ndarray, hop: int = 160) -> None:
        number = np.arange(21.4 * np.log10(1 + 0.00437 * 200), 21.4 * np.log10(1 + 0.00437 * 6000))
        self.centre = (10 ** (number / 21.4) - 1) / 0.00437
        self.hop = hop
        hops = max(2, -(-stereo.shape[1] // hop))
        bands = np.stack([self._bands(ear, hops * hop) for ear in stereo])
        shape = len(self.centre), hops - 1
        self.power, self.ild, self.itd, self.coherence = (np.zeros(shape) for _ in range(4))
        for j in range(shape[0]):
            for k in range(shape[1]):
                self._frame(j, k, np.pad(bands[:, j], ((0, 0), (16, 16))))

    def _bands(self, ear: np.ndarray, samples: int) -> np.ndarray:
        from scipy.fft import next_fast_len

        length = next_fast_len(len(ear) + 800)
        bins = np.fft.fft(ear, length)
        frequency = np.arange(length) * RATE / length
        bandwidth = 1.019 * 24.7 * (1 + 0.00437 * self.centre)
        gain = 2 / (1 + 1j * (frequency - self.centre[:, None]) / bandwidth[:, None]) ** 4
        gain[:, length // 2 + 1 :] = 0
        bands = np.fft.ifft(bins * gain)[:, :samples]
        return np.pad(bands, ((0, 0), (0, samples - bands.shape[1])))

    def _frame(self, j: int, k: int, band: np.ndarray) -> None:
        inside = slice(16 + self.hop * k, 16 + self.hop * (k + 2))
        left, right = np.mean(np.abs(band[:, inside]) ** 2, -1) / 2
        self.power[j, k] = left + right
        self.ild[j, k] = np.clip(10 * np.log10(left / right), -30, 30)
        ears = band.real if self.centre[j] <= 1500 else np.abs(band)
        likeness = []
        for lag in range(-16, 17):
            a = ears[0, inside.start - lag // 2 : inside.stop - lag // 2]
            b = ears[1, inside.start + lag - lag // 2 : inside.stop + lag - lag // 2]
            if self.centre[j] > 1500:
                a, b = a - a.mean(), b - b.mean()
            likeness.append(a @ b / np.sqrt((a @ a) * (b @ b)))
        best = int(np.argmax(likeness))
        place = float(best)
        if 0 < best < 32:
            before, top, after = likeness[best - 1 : best + 2]
            place += 0.5 * (before - after) / (before - 2 * top + after)
        self.itd[j, k] = (place - 16) / RATE
        self.coherence[j, k] = max(likeness[best], 0)


def level_curve(stereo: np.ndarray) -> np.ndarray:
    """Left minus right in dB, in frames of 100 ms every 50 ms."""
    found = []
    for start in range(0, stereo.shape[1] - 1599, 800):
        left, right = (max(np.mean(ear[start : start + 1600] ** 2), 1e-12) for ear in stereo)
        found.append(20 * np.log10(np.sqrt(left) / 2e-5) - 20 * np.log10(np.sqrt(right) / 2e-5))
    return np.array(found)


def active(stereo: np.ndarray) -> np.ndarray:
    """Which of these frames are within 40 dB of the loudest."""
    starts = range(0, stereo.shape[1] - 1599, 800)
    energy = np.array([sum(np.mean(ear[start : start + 1600] ** 2) for ear in stereo) for start in starts])
    return 10 * np.log10(energy.max() / energy) < 40
