"""Dry sounds of five families that differ in spectrum and envelope, made from a random generator alone.

Each function takes (random, samples, rate) and returns samples (T,) of RMS 1, nearly continuous, with energy from
about 200 Hz to 6 kHz: below 500 Hz a head casts hardly any shadow, and a scene would have no side to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import numpy as np
from scipy.signal import butter, sosfilt

Instrument = Callable[[np.random.Generator, int, int], np.ndarray]


def plucked(random: np.random.Generator, samples: int, rate: int) -> np.ndarray:
    """Plucked string: a noise burst in a lossy loop (Karplus and Strong 1983), a note every 0.2 to 0.35 s."""
    size = 2 ** int(np.ceil(np.log2(rate)))
    angle = 2 * np.pi * np.arange(size // 2 + 1) / size
    out = np.zeros(samples + size)
    for start in _onsets(random, samples, rate, 0.2, 0.35):
        period = rate / _pitch(random, 220, 660)
        burst = np.convolve(np.diff(random.standard_normal(int(period))), np.hanning(9))
        # A note falls by 60 dB in 1.2 s, whatever its pitch.
        loss = 10 ** (-3 * period / (1.2 * rate)) * np.cos(angle / 2) ** 0.5
        note = np.fft.irfft(np.fft.rfft(burst, size) / (1 - loss * np.exp(-1j * angle * period)), size)
        out[start : start + size] += note / np.linalg.norm(note)
    return _finish(out[:samples])


def blown(random: np.random.Generator, samples: int, rate: int) -> np.ndarray:
    """Bowed or blown tone: a rich harmonic wave with vibrato and some breath, a note every 0.4 to 0.8 s."""
    pitch = np.zeros(samples)
    level = np.zeros(samples)
    starts = [*_onsets(random, samples, rate, 0.4, 0.8), samples]
    for start, end in pairwise(starts):
        time = np.arange(end - start) / rate
        pitch[start:end] = _pitch(random, 220, 523) * (1 + 0.006 * np.sin(2 * np.pi * 5.5 * time))
        level[start:end] = np.minimum(1, time / 0.05) * np.minimum(1, (time[-1] - time) / 0.03 + 0.1)
    harmonics = np.arange(1, 20)
    breath = np.diff(random.standard_normal(samples), prepend=0.0)
    return _finish(level * (_wave(pitch, rate, harmonics**-0.7) + 0.04 * breath))


def bar(random: np.random.Generator, samples: int, rate: int) -> np.ndarray:
    """Struck bar: the partials of a free bar, 1 : 2.756 : 5.404 : 8.933, a stroke every 0.15 to 0.3 s."""
    length = round(0.8 * rate)
    time = np.arange(length) / rate
    out = np.zeros(samples + length)
    for start in _onsets(random, samples, rate, 0.15, 0.3):
        pitch = _pitch(random, 392, 784)
        for ratio, level, decay in ((1, 0.6, 0.3), (2.756, 1, 0.18), (5.404, 0.8, 0.1), (8.933, 0.5, 0.06)):
            if pitch * ratio < 0.45 * rate:
                phase = random.uniform(0, 2 * np.pi)
                out[start : start + length] += (
                    level * np.exp(-time / decay) * np.sin(2 * np.pi * pitch * ratio * time + phase)
                )
    return _finish(out[:samples])


def drum(random: np.random.Generator, samples: int, rate: int) -> np.ndarray:
    """Snare-like drum: a membrane tone and a rattle of noise, a stroke every 0.1 to 0.22 s."""
    length = round(0.4 * rate)
    time = np.arange(length) / rate
    out = np.zeros(samples + length)
    band = butter(2, (700, 5000), "bandpass", fs=rate, output="sos")
    noise = sosfilt(band, random.standard_normal(samples + length))
    for start in _onsets(random, samples, rate, 0.1, 0.22):
        level = random.uniform(0.7, 1.3)
        tone = 0.5 * np.exp(-time / 0.06) * np.sin(2 * np.pi * random.uniform(200, 320) * time)
        rattle = 3 * np.exp(-time / 0.08) * noise[start : start + length]
        out[start : start + length] += level * (tone + rattle)
    return _finish(out[:samples])


_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def voice(random: np.random.Generator, samples: int, rate: int) -> np.ndarray:
    """Voice-like: a glottal wave under the formants of five vowels (Peterson and Barney 1952), 3 to 6 a second."""
    starts = [*_onsets(random, samples, rate, 0.17, 0.33), samples]
    out = np.zeros(samples)
    pitch = np.interp(np.arange(samples), starts, [_pitch(random, 140, 260) for _ in starts])
    for start, end in pairwise(starts):
        frequency = np.arange(1, int(6000 / pitch[start:end].max())) * pitch[start:end].mean()
        formants = np.array(_VOWELS[random.integers(len(_VOWELS))] + (3800, 5000))[:, None]
        level = (0.06 + 1 / (1 + ((frequency - formants) / 110) ** 2)).sum(0) * frequency**-0.3
        time = np.arange(end - start) / rate
        swell = np.minimum(1, time / 0.03 + 0.05) * np.minimum(1, (time[-1] - time) / 0.04 + 0.15)
        out[start:end] = swell * _wave(pitch[start:end], rate, level) / np.linalg.norm(level)
    hiss = np.diff(random.standard_normal(samples), prepend=0.0)
    return _finish(out + 0.01 * hiss)


INSTRUMENTS: Mapping[str, Instrument] = {
    "plucked": plucked,
    "blown": blown,
    "bar": bar,
    "drum": drum,
    "voice": voice,
}


def _onsets(random: np.random.Generator, samples: int, rate: int, least: float, most: float) -> Iterator[int]:
    """Starts of notes, the first at once, then every `least` to `most` seconds."""
    start = 0
    while start < samples:
        yield start
        start += round(random.uniform(least, most) * rate)


def _pitch(random: np.random.Generator, low: float, high: float) -> float:
    """A frequency of the tempered scale between two, in Hz."""
    steps = int(12 * np.log2(high / low))
    return float(low * 2 ** (random.integers(steps + 1) / 12))


def _wave(pitch: np.ndarray, rate: int, levels: np.ndarray) -> np.ndarray:
    """A tone of changing pitch (T,) in Hz with fixed harmonic levels, read from a table of one period."""
    size = 2048
    spectrum = np.zeros(size // 2 + 1, complex)
    # Schroeder phases keep the peaks of the wave low.
    order = np.arange(1, len(levels) + 1)
    spectrum[order] = levels * np.exp(-1j * np.pi * order * (order - 1) / len(levels))
    table = np.fft.irfft(spectrum, size) * size / 2
    phase = np.cumsum(pitch) / rate % 1.0 * size
    index = phase.astype(np.int64)
    part = phase - index
    return table[index % size] * (1 - part) + table[(index + 1) % size] * part


def _finish(sound: np.ndarray) -> np.ndarray:
    """At RMS 1, with short fades at both ends."""
    fade = min(240, len(sound) // 4)
    ramp = np.linspace(0, 1, fade)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    return sound / np.sqrt(np.mean(sound**2))
