"""What every metric says of sounds that nobody would send on purpose, with numbers worked out by hand.

The reference is noise of random signs n: 0.2 n on the left, 0.1 n on the right; so its power is exact, its level
difference 10 log10 4 dB in every frame, its ears coherent and in time. It comes from 40 degrees, says the truth.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from avspatial.builtin import avspatial_components
from avspatial.interfaces import Convention, Metric, Truth
from avspatial.metrics import prepare, wave_l2
from avspatial.runs.outputs import save_outputs

RATE, SAMPLES, FRAMES = 16000, 8000, 9
SIGNS = np.where(np.random.default_rng(0).standard_normal(SAMPLES) > 0, 1.0, -1.0)
REFERENCE = SIGNS * [[0.2], [0.1]]
SILENCE = np.zeros_like(REFERENCE)
TRUTH = Truth(20.0, np.full((1, 10), 40.0), np.ones((1, 10)))
DECLARED = {c.name: c for c in avspatial_components() if c.kind == "metric"}

CASES = {
    "silence": (SILENCE, REFERENCE),
    "silent reference": (REFERENCE, SILENCE),
    "both silent": (SILENCE, SILENCE),
    "one silent channel": (REFERENCE * [[1.0], [0.0]], REFERENCE),
    "dc": (REFERENCE + 0.1, REFERENCE),
    "clipped": (np.clip(20 * REFERENCE, -1, 1), REFERENCE),  # the signs themselves, at both ears
    "one sample": (REFERENCE[:, :1] / 2, REFERENCE[:, :1]),
}
FINITE = object()
"""A number that no hand works out."""
NOTHING = None
"""The reference holds nothing to measure it on."""


def dB(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def about(value: float, off: float) -> object:
    return pytest.approx(value, abs=off)


def exactly(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


LEVEL = dB(4)
EAR = np.sqrt(2)
"""The rms of an envelope by that of its sound."""
NOISE = 150 * 50 / 51
"""By Parseval, the STFT distance by the mean squared error of white noise; in 50 hops, whose 51 frames reach over."""
CONSTANT = 1.52 * 149.4 * 50 / 51
"""The same of a constant error (`evaluation.audit`)."""
EXPECTED: dict[str, dict[str, object]] = {
    "stft_distance": {
        "silence": about(NOISE * 0.025, 0.02),
        "silent reference": about(NOISE * 0.025, 0.02),
        "both silent": 0,
        "one silent channel": about(NOISE * 0.005, 0.005),
        "dc": about(CONSTANT * 0.01, 0.02),
        "clipped": about(NOISE * 0.725, 0.5),
        "one sample": exactly((0.1**2 + 0.05**2) / 2),  # one frame, its middle weighs 1
    },
    "magnitude_distance": {
        "silence": about(2 * NOISE * 0.025, 0.04),
        "silent reference": about(2 * NOISE * 0.025, 0.04),
        "both silent": 0,
        "one silent channel": about(2 * NOISE * 0.005, 0.01),
        "dc": about(2 * CONSTANT * 0.01, 0.04),
        "clipped": about(2 * NOISE * 0.725, 1),
        "one sample": exactly(0.1**2 + 0.05**2),
    },
    "envelope_distance": {
        "silence": about(EAR * 0.3, 1e-3),
        "silent reference": about(EAR * 0.3, 1e-3),
        "both silent": 0,
        "one silent channel": about(EAR * 0.1, 1e-3),
        "dc": FINITE,
        "clipped": about(EAR * (0.8 + 0.9), 5e-3),
        "one sample": exactly(0.15),
    },
    "wave_l2": {
        "silence": exactly(25),
        "silent reference": exactly(25),
        "both silent": 0,
        "one silent channel": exactly(5),
        "dc": exactly(10),
        "clipped": exactly((640 + 810) / 2),
        "one sample": exactly(6.25),
    },
    "snr": {
        "silence": exactly(0),
        "silent reference": exactly(dB(1e-20 / 0.025)),
        "both silent": 0,
        "one silent channel": exactly(dB(5)),
        "dc": exactly(dB(2.5)),
        "clipped": exactly(dB(0.025 / 0.725)),
        "one sample": exactly(dB(4)),
    },
    "snr_eps": {
        "silence": exactly(0),
        "silent reference": exactly(dB(1e-4 / 0.0251)),
        "both silent": 0,
        "one silent channel": exactly(dB(0.0251 / 0.0051)),
        "dc": exactly(dB(0.0251 / 0.0101)),
        "clipped": exactly(dB(0.0251 / 0.7251)),
        "one sample": exactly(dB(0.0251 / 0.00635)),
    },
    "phase_distance": {
        "silence": about(np.pi / 2, 0.05),
        "silent reference": about(np.pi / 2, 0.05),
        "both silent": 0,
        "one silent channel": about(0, 1e-9),
        "dc": about(0, 1e-9),  # left - right has lost it
        "clipped": about(np.pi / 2, 0.05),
        "one sample": about(0, 1e-9),
    },
    "mrstft": dict.fromkeys(CASES, FINITE) | {"both silent": 0},  # its oracle is in test_mrstft
    "mrstft_linear": dict.fromkeys(CASES, FINITE) | {"both silent": 0},
    "spl_distance": {
        "silence": exactly(LEVEL * np.sqrt(FRAMES)),
        "silent reference": exactly(LEVEL * np.sqrt(FRAMES)),
        "both silent": 0,
        "one silent channel": exactly(dB(0.01 / 1e-12) * np.sqrt(FRAMES)),
        "dc": about((LEVEL - dB(2.5)) * np.sqrt(FRAMES), 0.6),
        "clipped": exactly(LEVEL * np.sqrt(FRAMES)),
        "one sample": about(0, 1e-9),
    },
    "spl_rmse": {
        "silence": exactly(LEVEL),
        "silent reference": exactly(LEVEL),
        "both silent": 0,
        "one silent channel": exactly(dB(0.01 / 1e-12)),
        "dc": about(LEVEL - dB(2.5), 0.2),
        "clipped": exactly(LEVEL),
        "one sample": about(0, 1e-9),
    },
    "spl_correlation": dict.fromkeys(CASES, NOTHING),  # the reference's level difference is constant
    "spl_direction": {
        "silence": 0,
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": 1,
        "dc": 1,
        "clipped": 0,
        "one sample": 1,
    },
    "spl_magnitude": {
        "silence": 0,
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": exactly(dB(0.04 / 1e-12) / LEVEL),
        "dc": about(dB(2.5) / LEVEL, 0.05),
        "clipped": 0,
        "one sample": exactly(1),
    },
    "lateral_gain": {
        "silence": 0,
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": exactly(dB(0.04 / 1e-12) / LEVEL),
        "dc": about(dB(2.5) / LEVEL, 0.05),
        "clipped": 0,
        "one sample": exactly(1),
    },
    "left_right": {
        "silence": 0,
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": 1,
        "dc": 1,
        "clipped": 0,
        "one sample": 1,
    },
    "azimuth_error": {
        "silence": about(40, 1),  # silence and mono are localised straight ahead
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": FINITE,
        "dc": FINITE,
        "clipped": about(40, 1),
        "one sample": FINITE,
    },
    "ild_error": {
        "silence": about(LEVEL, 1e-3),
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": about(30 - LEVEL, 1e-3),
        "dc": about(0, 0.05),  # no band hears 0 Hz
        "clipped": about(LEVEL, 1e-3),
        "one sample": about(0, 1e-3),
    },
    "itd_error": {
        "silence": about(0, 0.01),
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": about(0, 0.01),
        "dc": about(0, 5),
        "clipped": about(0, 0.01),
        "one sample": about(0, 0.01),
    },
    "coherence_error": {
        "silence": about(1, 1e-3),
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": about(1, 1e-3),
        "dc": about(0, 1e-3),
        "clipped": about(0, 1e-3),
        "one sample": about(0, 1e-3),
    },
    "mono_error": {
        "silence": exactly(0),
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": exactly(dB(1 / 9)),
        "dc": exactly(dB(4 / 9)),
        "clipped": exactly(dB(1.7**2 / 0.3**2)),
        "one sample": exactly(dB(1 / 4)),
    },
    "loudness_change": {
        "silence": FINITE,  # -70 LUFS less that of the noise
        "silent reference": NOTHING,
        "both silent": NOTHING,
        "one silent channel": exactly(dB(0.04 / 0.05)),
        "dc": about(0, 0.1),  # its high-pass takes the constant away
        "clipped": exactly(dB(2 / 0.05)),
        "one sample": NOTHING,  # no block of 400 ms
    },
    "true_peak": {
        "silence": -120,
        "silent reference": about(dB(0.04) + 5, 5),  # between its samples noise of signs goes up to 10 dB higher
        "both silent": -120,
        "one silent channel": about(dB(0.04) + 5, 5),
        "dc": about(dB(0.09) + 4, 5),
        "clipped": about(5, 5),
        "one sample": exactly(dB(0.1**2)),
    },
}


@pytest.fixture(scope="module", params=sorted(DECLARED))
def metric(request: pytest.FixtureRequest) -> Iterator[Metric]:
    component = DECLARED[request.param]
    target, settings = (
        getattr(import_module(path.partition(":")[0]), path.partition(":")[2])
        for path in (component.target, component.config)
    )
    yield target(settings(), convention=Convention())


def test_every_metric_and_case_is_in_the_table() -> None:
    assert EXPECTED.keys() == DECLARED.keys()
    assert {name for name, of in EXPECTED.items() if of.keys() != CASES.keys()} == set()


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_sound(metric: Metric, case: str) -> None:
    name = metric.names[0]
    found = metric(*CASES[case], RATE, TRUTH).get(name)
    expected = EXPECTED[name][case]
    if expected is FINITE:
        assert found is not None and np.isfinite(found)
    else:
        assert found == expected


REFUSED = {
    "nan": (np.where(REFERENCE > 0.15, np.nan, REFERENCE), "the prediction holds NaN or infinity"),
    "infinity": (np.where(REFERENCE > 0.15, np.inf, REFERENCE), "the prediction holds NaN or infinity"),
    "unequal lengths": (REFERENCE[:, :-1], "the prediction has 7999 samples, the reference 8000"),
    "mono": (REFERENCE[:1], r"the prediction has shape \(1, 8000\); two channels \(2, T\) are needed"),
    "no samples": (REFERENCE[:, :0], "the prediction has no samples"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_sound_that_cannot_be_scored_is_refused(metric: Metric, case: str) -> None:
    prediction, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{message}$"):
        metric(prediction, REFERENCE, RATE, TRUTH)
    with pytest.raises(ValueError, match="the reference"):
        metric(REFERENCE, prediction, RATE, TRUTH)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_the_same_however_many_values_are_made_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch, prediction: np.ndarray, reference: np.ndarray
) -> None:
    def value() -> dict[str, float]:
        component = DECLARED[name]
        target, settings = (
            getattr(import_module(path.partition(":")[0]), path.partition(":")[2])
            for path in (component.target, component.config)
        )
        return dict(target(settings(), convention=Convention())(prediction, reference, RATE, TRUTH))

    expected = value()
    for values, bands in ((2**8, 1), (2**26, 25)):
        monkeypatch.setattr("avspatial.metrics.inputs.BLOCK", values)
        monkeypatch.setattr("avspatial.metrics.cues._AT_ONCE", bands)
        assert value() == pytest.approx(expected, rel=1e-12)


TEN_MINUTES = """
import json, resource, sys, avspatial
done = avspatial.evaluate(sys.argv[1], metrics=sys.argv[2].split(","), jobs=1)
means = {name: entry.mean for name, entry in done.summary.conditions["model"].items()}
print(json.dumps([done.summary.failed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, means]))
"""


@pytest.mark.slow
def test_ten_minutes_in_less_than_four_gigabytes(tmp_path: Path, prediction: np.ndarray, reference: np.ndarray) -> None:
    """All metrics, on one second over and over again: 600 s."""
    truth = Truth(20.0, np.full((1, 12000), 40.0), np.ones((1, 12000)))
    save_outputs(tmp_path / "long", np.tile(prediction, 600), np.tile(reference, 600), RATE, truth=truth)
    command = [sys.executable, "-c", TEN_MINUTES, str(tmp_path), ",".join(DECLARED)]
    failed, gibibytes, means = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{gibibytes:.2f} GiB")
    assert failed == 0 and all(mean is not None for mean in means.values())
    y, x = (np.asarray(sound, np.float32) for sound in prepare(prediction, reference, RATE))
    assert means["wave_l2"] == pytest.approx(wave_l2(y, x), rel=1e-5)
    assert gibibytes < 4
