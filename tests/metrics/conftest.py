"""Sounds for the tests of the metrics, and every metric that the package declares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avspatial.media.audio import read_audio
from avspatial.metrics import prepare

RATE = 16000
REAL = Path(__file__).parents[3] / "shared/media/FAIR-Play/binaural_audios/000001.wav"


@pytest.fixture
def reference() -> np.ndarray:
    """One second of noise, louder on the left for its first half and on the right for its second."""
    generator = np.random.default_rng(1)
    gains = np.repeat([[0.2, 0.05], [0.08, 0.16]], RATE // 2, axis=0).T
    return generator.standard_normal((2, RATE)) * gains + 0.1 * generator.standard_normal(RATE)


@pytest.fixture
def prediction(reference: np.ndarray) -> np.ndarray:
    return 0.8 * reference + 0.03 * np.random.default_rng(2).standard_normal(reference.shape)


@pytest.fixture(scope="session")
def real_clip() -> np.ndarray:
    """The real FAIR-Play clip under the default convention, (2, T) at 16 kHz."""
    if not REAL.is_file():
        pytest.skip("the real FAIR-Play clip (../shared/media) is not here")
    sound, rate = read_audio(REAL)
    return prepare(sound, sound, rate)[1]
