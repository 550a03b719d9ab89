"""What holds for every metric that the package declares."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import numpy as np
import pytest
import torch

import avspatial.metrics
from avspatial.builtin import avspatial_components
from avspatial.interfaces import Convention, Metric, Truth

RATE = 16000
DECLARED = {c.name: c for c in avspatial_components() if c.kind == "metric"}
TRUTH = Truth(20.0, np.repeat([[40.0, -40.0]], 10, axis=1), np.ones((1, 20)))
# The estimator hears the noise of `reference` as diffuse: identity is no perfect azimuth.
SHARES = ("spl_correlation", "spl_direction", "spl_magnitude", "left_right", "lateral_gain")
PERFECT = {name: float(name in SHARES) for name in DECLARED} | {"mono_error": -100.0}


def loaded(path: str) -> type:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def build(name: str) -> Metric:
    component = DECLARED[name]
    return loaded(component.target)(loaded(component.config)(), convention=Convention())


@pytest.fixture(params=sorted(DECLARED))
def metric(request: pytest.FixtureRequest) -> Iterator[Metric]:
    yield build(request.param)


def value(metric: Metric, prediction: np.ndarray, reference: np.ndarray) -> float:
    return metric(prediction, reference, RATE, TRUTH).get(metric.names[0], float("nan"))


def test_names_units_and_directions_are_declared(metric: Metric) -> None:
    assert set(metric.names) == set(metric.unit) == set(metric.higher_is_better)
    assert metric.names[0] in DECLARED and type(metric).__doc__


def test_the_reference_itself_scores_best(metric: Metric, reference: np.ndarray, prediction: np.ndarray) -> None:
    name = metric.names[0]
    best, other = value(metric, reference, reference), value(metric, prediction, reference)
    if name.startswith("snr"):
        assert best > other
    elif name not in ("azimuth_error", "true_peak"):
        assert best == pytest.approx(PERFECT[name], abs=1e-12)
        assert (other >= best) if metric.higher_is_better[name] is False else (other <= best)


def test_swapping_the_ears_of_both_changes_nothing(
    metric: Metric, reference: np.ndarray, prediction: np.ndarray
) -> None:
    if not metric.requires_source_angles:
        swapped = value(metric, prediction[::-1], reference[::-1])
        assert swapped == pytest.approx(value(metric, prediction, reference), rel=1e-6)  # cues in single precision


def test_tensors_and_arrays_score_alike(metric: Metric, reference: np.ndarray, prediction: np.ndarray) -> None:
    tensors = torch.from_numpy(prediction), torch.from_numpy(reference).requires_grad_()
    assert metric(*tensors, RATE, TRUTH) == metric(prediction, reference, RATE, TRUTH)


def test_no_input_is_changed(metric: Metric, reference: np.ndarray, prediction: np.ndarray) -> None:
    y, x = prediction.copy(), reference.copy()
    metric(y, x, RATE, TRUTH)
    np.testing.assert_array_equal(y, prediction)
    np.testing.assert_array_equal(x, reference)


def test_metrics_of_known_angles_refuse_a_clip_without(reference: np.ndarray) -> None:
    for name in ("left_right", "azimuth_error"):
        with pytest.raises(ValueError, match=r"^the clip has no true angles$"):
            build(name)(reference, reference, RATE)


@pytest.mark.parametrize("name", avspatial.metrics.__all__)
def test_each_is_importable_by_name(name: str) -> None:
    assert getattr(avspatial.metrics, name) is not None


def test_importing_the_metrics_imports_nothing_heavy() -> None:
    code = "import sys, avspatial.metrics.settings; print({'torch', 'numpy', 'scipy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'avspatial.metrics' has no attribute 'sftt_distance'"):
        _ = avspatial.metrics.sftt_distance
