"""`avspatial metrics`: list, show and check, of the package's own metrics and of a plugin's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from avspatial.cli.main import main
from avspatial.evaluation.cards.test_cases import SCENES, distortion_names

CODE = """
from avspatial.plugin import Component, hookimpl

@hookimpl
def avspatial_components():
    return [
        Component("metric", "one_ear", "3", "mine_plugin.parts:Knobs", "mine_plugin.metric:OneEar", "The left ear."),
        Component("metric", "fragile", "1", "mine_plugin.parts:Knobs", "mine_plugin.metric:Fragile", "It breaks."),
        Component("metric", "absent", "1", "mine_plugin.parts:Knobs", "mine_plugin.nowhere:Absent", "Not there."),
    ]
"""
PARTS = '''
from avspatial.settings import Settings, setting

class Knobs(Settings):
    """Settings."""
    example = {"power": 1.0}
    power: float = setting(unit="", gt=0, le=9)
    """Without a default: the example is what the card is measured with."""
'''
METRIC = '''
import numpy as np
from avspatial.metrics.scalar import ScalarMetric
from avspatial.metrics.inputs import as_pair

class OneEar(ScalarMetric, name="one_ear", unit="V", higher_is_better=False):
    """Mean absolute error at the left ear."""
    normalized = False

    def measure(self, prediction, reference, rate, truth):
        """Never mind the right."""
        y, x = as_pair(prediction, reference)
        return float((np.abs(y[0] - x[0]) ** self.settings.power).mean())

class Fragile(OneEar, name="fragile", unit="V", higher_is_better=False):
    """Breaks on the other polarity, which the contract does not show it."""

    def measure(self, prediction, reference, rate, truth):
        y, x = as_pair(prediction, reference)
        if prediction.shape[-1] == rate and y[0, 0] == -x[0, 0] != 0:
            raise RuntimeError("the other polarity")
        return super().measure(prediction, reference, rate, truth) + float(np.abs(y[1] - x[1]).mean())
'''


@pytest.fixture
def mine(write_plugin: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder: Path = write_plugin("mine", CODE, parts=PARTS, metric=METRIC)
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(folder))
    return folder


def test_the_list_has_every_number_with_unit_and_direction(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "list"]) == 0
    out, err = capsys.readouterr()
    lines = [line.split(maxsplit=6) for line in out.splitlines()]
    assert lines[0] == ["metric", "version", "unit", "better", "audio", "needs", "about"]
    assert ["wave_l2", "1", "1e-3", "lower", "normalised", "-", "Mean squared error of the samples, x 1e3"] in lines
    assert [line.split()[0] for line in out.splitlines() if line.startswith("itd_")] == ["itd_error", "itd_coverage"]
    assert err == ""


def test_a_metric_without_code_is_a_warning_and_stops_no_list(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "list", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    listed = {each["name"]: each for each in json.loads(out)["metrics"]}
    assert listed["one_ear"] == {
        "name": "one_ear",
        "id": "mine.one_ear",
        "version": "3",
        "unit": "V",
        "higher_is_better": False,
        "normalized": False,
        "requires_source_angles": False,
        "summary": "The left ear.",
    }
    assert "absent" not in listed and listed["spl_magnitude"]["higher_is_better"] is None
    file = mine / "src/mine_plugin/__init__.py"
    assert err == (
        f"warning: plugin 'mine', metric 'absent' ({file}): mine_plugin.nowhere:Absent cannot be imported: "
        "ModuleNotFoundError: No module named 'mine_plugin.nowhere'\n"
    )


def test_show_prints_the_definition_and_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", "spl_rmse"]) == 0
    out, err = capsys.readouterr()
    head, card = out.split("\n\nspl_rmse, dB, ")
    assert head.startswith("avspatial.spl_rmse\n  version  1\n")
    assert "sqrt(mean (P^ - P)^2) over all frames" in head  # the function's own docstring
    assert "(SAGM, arXiv 2311.07630, eqs. 16-23)" in head  # and the module's
    assert "  settings\n    frame" in head and "Length of a frame." in head
    lines = card.splitlines()
    assert lines[0] == "lower is better; means over 4 of 4 scenes, fairplay"
    assert lines[1].split() == ["distortion", "value", "mono", "=", "1", "the", "prediction", "is"]
    rows = [line.split(maxsplit=3) for line in lines[2 : 2 + len(distortion_names())]]
    assert [row[0] for row in rows] == list(distortion_names())
    assert rows[0] == ["reference", "0.000", "0.000", "The reference itself"]
    assert [row[2] for row in rows if row[0] in ("mono", "swapped")] == ["1.00", "2.00"]
    below = lines[2 + len(distortion_names())]
    assert below == "  Does not detect: late, quieter, inverted, left_late, right_late, noise."
    assert err.startswith(f"Rendering scenes ({len(SCENES)}) ...\n") and "Measuring avspatial.spl_rmse (64)" in err


def test_a_plugins_metric_has_a_card_like_ours(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", "mine.one_ear", "--json", "--convention", "raw"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    shown = json.loads(out)
    assert (shown["id"], shown["definition"]) == ("mine.one_ear", "Mean absolute error at the left ear.")
    card = shown["cards"]["one_ear"]
    assert (card["convention"], card["unit"], card["settings"]) == ("raw", "V", {"power": 1.0})
    assert "right_late" in card["does_not_see"] and "left_late" not in card["does_not_see"]
    assert list(card["values"]["mono"]) == ["mean", "n", "failed", "share"]


def test_check_runs_the_contract_and_the_card(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "cards.md"
    assert main(["metrics", "check", "snr", "wave_l2", "--markdown", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "passed    metric avspatial.snr  construct"
    assert "passed    metric avspatial.snr  card: values: 64" in lines
    assert lines[-1] == "24 checks: 24 passed, 0 failed, 0 failed as expected, 0 skipped"
    sentences = next(line for line in lines if line.startswith("          wave_l2: "))
    assert sentences.startswith(
        "          wave_l2: Does not detect: quieter. Prefers mono in every scene, although all "
    )
    assert [line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("- `")] == [
        "snr",
        "wave_l2",
    ]


def test_a_failure_is_reported_and_ends_with_1(mine: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "cards.md"
    command = ["metrics", "check", "one_ear", "fragile", "absent"]
    assert main([*command, "--json", "--markdown", str(page)]) == 1
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    printed = json.loads(out)
    failed = {
        (each["subject"], each["check"]): each["note"] for each in printed["results"] if each["status"] == "failed"
    }
    assert printed["failed"] == len(failed)
    assert failed["metric mine.one_ear", "symmetric"]
    assert failed["metric mine.fragile", "card"] == (
        "4 of 64 pairs failed, the first: inverted, voice_left: RuntimeError: the other polarity"
    )
    assert "mine_plugin.nowhere:Absent cannot be imported" in failed["metric mine.absent", "construct"]
    assert [each["check"] for each in printed["results"] if each["subject"] == "metric mine.absent"] == ["construct"]
    assert set(printed["cards"]) == {"one_ear", "fragile"}
    assert printed["cards"]["fragile"]["values"]["inverted"] == {"mean": None, "n": 0, "failed": 4, "share": None}
    assert "| - (n 0, failed 4) |" in page.read_text()


ALL_METRICS = "\n  `avspatial plugins list --kind metric` lists all 23.\n"
ERRORS = [
    (["show", "ild_eror"], f"unknown metric 'ild_eror' (did you mean 'ild_error'?){ALL_METRICS}"),
    (["show", "masking"], f"'masking' is a spatializer, not a metric{ALL_METRICS}"),
    (["check", "snr", "snrr"], f"unknown metric 'snrr' (did you mean 'snr'?){ALL_METRICS}"),
    (
        ["show", "snr", "--convention", "rw"],
        "unknown convention 'rw' (did you mean 'raw'?)\n"
        "  There are: fairplay, raw, reference_peak, fairplay_reflect.\n",
    ),
    (
        ["check", "snr", "--convention", "rw"],
        "unknown convention 'rw' (did you mean 'raw'?)\n"
        "  There are: fairplay, raw, reference_peak, fairplay_reflect.\n",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_an_error_is_reported(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"error: {message}")


def test_a_metric_whose_code_is_not_there_cannot_be_shown(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "show", "absent"]) == 2
    assert capsys.readouterr().err == (
        f"error: metric 'mine.absent' ({mine / 'src/mine_plugin/__init__.py'}): mine_plugin.nowhere:Absent cannot be "
        "imported: ModuleNotFoundError: No module named 'mine_plugin.nowhere'\n"
        "  Install what the plugin needs, or fix the plugin.\n"
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from avspatial.cli.main import main; main(['metrics', '--help']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
