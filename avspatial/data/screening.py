"""Screening: clips that no direction can be learned from, because sound or images hold none.

Measuring and judging are two steps, so that other thresholds need no second decoding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from avspatial.data.settings import Screening
from avspatial.media.image import LUMA
from avspatial.signal import stereo as channels

__all__ = ["GRID", "LevelMeter", "Levels", "audio_levels", "image_change", "screen"]

GRID = (36, 64)
"""Height and width of the images of which `image_change` compares the parts: fine detail and noise average out."""
FLOOR = -200.0
"""The level of silence, dB: finite, so that levels can be subtracted and stored."""


@dataclass(frozen=True)
class Levels:
    """RMS levels of a stereo signal, dB; 0 is a sample of 1 at all times, `FLOOR` silence.

    Attributes:
        left: Level of the left channel.
        right: Level of the right channel.
        mixture: Level of left + right.
        difference: Level of left - right.
    """

    left: float
    right: float
    mixture: float
    difference: float

    @property
    def both(self) -> float:
        """Level over both channels."""
        return _decibels((10 ** (self.left / 10) + 10 ** (self.right / 10)) / 2)


class LevelMeter:
    """Levels of a stereo signal that comes in blocks."""

    def __init__(self) -> None:
        self._energy = np.zeros(4)
        self._samples = 0

    def add(self, block: np.ndarray) -> None:
        """Measure more of the signal.

        Args:
            block: (2, n), left then right.
        """
        samples = np.asarray(block, np.float64)
        signals = (samples[0], samples[1], channels.mixture(samples), channels.difference(samples))
        self._energy += [np.dot(signal, signal) for signal in signals]
        self._samples += samples.shape[1]

    @property
    def levels(self) -> Levels:
        """The levels so far; those of silence before the first sample."""
        return Levels(*(_decibels(float(energy) / max(1, self._samples)) for energy in self._energy))


def audio_levels(stereo: np.ndarray) -> Levels:
    """Measure a clip's sound.

    Args:
        stereo: (2, T), left then right.

    Returns:
        Its levels.

    Example:
        >>> audio_levels(np.full((2, 8), 0.1)).both, audio_levels(np.full((2, 8), 0.1)).difference
        (-20.0, -200.0)
    """
    meter = LevelMeter()
    meter.add(stereo)
    return meter.levels


def image_change(images: np.ndarray) -> float:
    """Measure how much a clip's images change.

    Args:
        images: (P, H, W, 3) uint8, small: noise of the size of a pixel counts. `GRID` is the size to decode them at.

    Returns:
        The largest change of the brightness of one pixel over all images, of 255; 0 for a single image.
    """
    # Codecs change brightness less than colours.
    brightness = images.astype(np.float32) @ np.array(LUMA, np.float32)
    return float((brightness.max(0) - brightness.min(0)).max(initial=0))


def screen(levels: Levels, change: float, limits: Screening) -> str | None:
    """Say why no direction can be learned from a clip.

    Args:
        levels: Its sound, by `audio_levels`.
        change: Its images, by `image_change`.
        limits: The thresholds.

    Returns:
        The reason in words, the same for all clips of one kind; None if nothing speaks against the clip.

    Example:
        >>> screen(audio_levels(np.full((2, 8), 0.1)), 50.0, Screening())
        'mono: left and right are equal'
        >>> screen(Levels(-20.0, -90.0, -20.0, -20.0), 50.0, Screening())
        'its right channel is dead'
    """
    if levels.both < limits.silence:
        return f"silent: below {limits.silence:g} dBFS"
    for name, level, other in (("left", levels.left, levels.right), ("right", levels.right, levels.left)):
        if level < other - limits.dead:
            return f"its {name} channel is dead"
    if levels.mixture < limits.silence:
        return "left and right cancel each other"
    if levels.difference <= FLOOR:
        return "mono: left and right are equal"
    if levels.difference < levels.mixture - limits.side:
        return f"mono: left - right is more than {limits.side:g} dB below left + right"
    if change < limits.still:
        return "its images stand still"
    return None


def _decibels(power: float) -> float:
    return max(FLOOR, 10 * math.log10(power)) if power > 0 else FLOOR
