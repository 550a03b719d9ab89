"""A recipe becomes a run directory: complete, repeatable, resumable, and usable from it alone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import avspatial
from avspatial.api.run import Finished
from avspatial.cli.main import main
from avspatial.errors import AvspatialError, DataError, Interrupted, RecipeError, RunError
from avspatial.media.audio import read_audio
from avspatial.runs import Run as RunDirectory
from avspatial.runs.claim import claim

Run = Callable[..., Finished]
ROWS = ["model", "mono", "swapped", "reference", "level_panned", "blank_picture", "mirrored_picture"]
OFFICIAL = ["input_binaural.wav", "mixed_mono.wav", "predicted_binaural.wav"]


def weights(run: Path) -> bytes:
    folder = run / "checkpoints" / (run / "checkpoints" / "LATEST").read_text().strip()
    return (folder / "model.safetensors").read_bytes()


def sounds(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*.wav"))}


def stopping_at(title: str, count: int) -> Callable[[Iterable[Any], str], Iterator[Any]]:
    """A progress display under which the process is asked to end after `count` items of the stage `title`."""

    def progress(items: Iterable[Any], shown: str) -> Iterator[Any]:
        for number, item in enumerate(items):
            if shown == title and number == count:
                signal.raise_signal(signal.SIGTERM)
            yield item

    return progress


def reached(runs: Path, begun: str) -> bool:
    """Whether the only run has files of that pattern, or a log with that text."""
    run = next(runs.glob("tiny/2*"), None)
    if run is None or "/" in begun:
        return run is not None and any(run.glob(begun))
    return (run / "log.jsonl").exists() and begun in (run / "log.jsonl").read_text()


def copy(finished: Finished, to: Path) -> Path:
    shutil.copytree(finished.path, to)
    return to


class TestWhatARunLeaves:
    def test_everything_that_house_rules_name(self, finished: Finished) -> None:
        assert {path.name for path in finished.path.iterdir()} == {
            "recipe.yaml",
            "recipe.resolved.yaml",
            "run.json",
            "log.jsonl",
            "checkpoints",
            "outputs",
            "controls",
            "scores.jsonl",
            "summary.json",
            "report.html",
        }
        assert json.loads((finished.path / "run.json").read_text())["state"] == "finished"

    def test_outputs_of_every_test_clip_under_the_official_names(self, finished: Finished) -> None:
        clips = sorted((finished.path / "outputs").iterdir())
        assert len(clips) == finished.summary.clips == 2
        for clip in clips:
            assert sorted(p.name for p in clip.glob("*.wav")) == OFFICIAL
            assert {"picture.jpg", "truth.json"} < {p.name for p in clip.iterdir()}
            for control in ("blank_picture", "mirrored_picture"):
                assert (finished.path / "controls" / control / clip.name / "predicted_binaural.wav").is_file()

    def test_left_and_right_add_up_to_the_mixture(self, finished: Finished) -> None:
        for clip in (finished.path / "outputs").iterdir():
            predicted, rate = read_audio(clip / "predicted_binaural.wav")
            mono, _ = read_audio(clip / "mixed_mono.wav")
            assert rate == 16000 and predicted.shape == (2, 19200)
            np.testing.assert_allclose(predicted.mean(0), mono[0], atol=1e-6)

    def test_the_summary_keeps_the_contract(self, finished: Finished) -> None:
        summary = finished.summary
        assert json.loads((finished.path / "summary.json").read_text()) == summary.to_dict()
        assert (summary.convention, summary.clips, summary.failed) == ("fairplay", 2, 0)
        assert list(summary.conditions) == ROWS
        for row in summary.conditions.values():
            for entry in row.values():
                assert entry.n == 2 and len(entry.ci95 or ()) in (0, 2)
        assert {"stft_distance", "snr", "left_right"} == set(summary.conditions["model"])

    def test_the_log_tells_the_stages(self, finished: Finished) -> None:
        records = [json.loads(line) for line in (finished.path / "log.jsonl").read_text().splitlines()]
        assert [r["step"] for r in records if r["event"] == "train"] == [1, 2, 3]
        assert [r["stage"] for r in records if r["event"] == "run"] == ["spatialize", "score", "report"]


class TestRepeating:
    def test_the_same_recipe_gives_the_same_bytes(self, finished: Finished, run_tiny: Run) -> None:
        again = run_tiny(name="again")
        assert weights(again.path) == weights(finished.path)
        assert sounds(again.path) == sounds(finished.path)
        assert again.summary == finished.summary

    @pytest.mark.slow
    def test_another_seed_gives_other_weights(self, finished: Finished, run_tiny: Run) -> None:
        other = run_tiny(seed=1, trainer={"steps": 1}, overrides={"metrics": ["snr"]})
        assert weights(other.path) != weights(finished.path)
        assert set(other.summary.conditions["model"]) == {"snr"}

    @pytest.mark.slow
    def test_the_directory_alone_repeats_the_run(self, finished: Finished, run_tiny: Run, workplace: Path) -> None:
        again = avspatial.run(finished.path / "recipe.resolved.yaml", runs=workplace / "elsewhere", device="cpu")
        assert weights(again.path) == weights(finished.path)

    @pytest.mark.slow
    def test_a_limit_takes_the_first_clips_of_each_split(self, run_tiny: Run) -> None:
        assert run_tiny(name="limited", limit=1, overrides=["trainer.steps=1"]).summary.clips == 1


class TestResuming:
    @pytest.mark.parametrize(
        ("stage", "done"), [("Spatializing clips", 1), pytest.param("Scoring clips", 1, marks=pytest.mark.slow)]
    )
    def test_a_run_stopped_in_a_stage_goes_on_there(
        self, finished: Finished, run_tiny: Run, tmp_path: Path, stage: str, done: int
    ) -> None:
        with pytest.raises(Interrupted) as error:
            run_tiny(name="stopped", runs=tmp_path / "my runs", progress=stopping_at(stage, done))
        run = Path(error.value.where)
        assert str(error.value) == (
            f"{run}: interrupted; what is finished is saved\n  Go on with: avspatial run --resume '{run}'"
        )
        assert error.value.exit_code == 128 + signal.SIGTERM
        assert json.loads((run / "run.json").read_text())["state"] == "interrupted"
        assert not list(run.rglob("*.part")) and not (run / "run.lock").exists()
        kept = {path: path.stat().st_mtime_ns for path in run.rglob("*.wav")}
        assert kept and not (run / "summary.json").exists()
        resumed = run_tiny(resume=run)
        assert resumed.summary == finished.summary
        assert sounds(run) == sounds(finished.path) and weights(run) == weights(finished.path)
        assert kept == {path: path.stat().st_mtime_ns for path in kept}

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("begun", "number"),
        [
            ('"event": "train", "step": 2', signal.SIGTERM),
            ('"event": "train", "step": 1', signal.SIGHUP),
            ("controls/*/0*", signal.SIGHUP),
            ('"stage": "spatialize"', signal.SIGTERM),
            ('"stage": "score"', signal.SIGHUP),
        ],
        ids=["training", "first step", "spatializing", "scoring", "report"],
    )
    def test_a_program_that_is_asked_to_end_goes_on_with_the_command_that_it_prints(
        self, finished: Finished, workplace: Path, tmp_path: Path, begun: str, number: signal.Signals
    ) -> None:
        runs = tmp_path / "my runs"
        words = ["run", str(workplace / "tiny.yaml"), "--runs", str(runs), "--device", "cpu"]
        with subprocess.Popen(
            [sys.executable, "-m", "avspatial", *words], stderr=subprocess.PIPE, text=True
        ) as program:
            while program.poll() is None and not reached(runs, begun):
                time.sleep(0.002)
            program.send_signal(number)
            err = program.communicate()[1]
        (run,) = runs.glob("tiny/*")
        if program.returncode == 0:
            return  # it was done first
        assert program.returncode == 128 + number, err
        assert json.loads((run / "run.json").read_text())["state"] == "interrupted"
        assert not list(runs.rglob("*.part*")) and not (run / "run.lock").exists()
        command = err.rpartition("Go on with: avspatial ")[2]
        subprocess.run(f"{sys.executable} -m avspatial {command}", shell=True, check=True, capture_output=True)
        assert weights(run) == weights(finished.path) and sounds(run) == sounds(finished.path)
        assert json.loads((run / "run.json").read_text())["state"] == "finished"

    @pytest.mark.slow
    def test_what_a_killed_process_left_is_swept_away(self, finished: Finished, run_tiny: Run, tmp_path: Path) -> None:
        run = copy(finished, tmp_path / "run")
        about = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**about, "state": "running"}))
        (run / "outputs" / ".000005.0badcafe.part").mkdir()
        shutil.rmtree(run / "outputs" / sorted(p.name for p in (finished.path / "outputs").iterdir())[0])
        assert run_tiny(resume=run).summary == finished.summary
        assert sounds(run) == sounds(finished.path)
        assert not list(run.rglob(".*"))

    def test_a_run_that_another_process_writes_is_refused(
        self, finished: Finished, run_tiny: Run, tmp_path: Path
    ) -> None:
        run = RunDirectory(copy(finished, tmp_path / "run"))
        run.update_metadata(state="interrupted")
        with claim(run), pytest.raises(RunError, match="another process is writing this run"):
            run_tiny(resume=run.path)

    def test_a_run_that_fails_says_so(self, finished: Finished, run_tiny: Run, tmp_path: Path) -> None:
        run = copy(finished, tmp_path / "run")
        RunDirectory(run).update_metadata(state="running")
        (run / "checkpoints" / "LATEST").write_text("step-000099\n")
        with pytest.raises(RunError):
            run_tiny(resume=run)
        assert json.loads((run / "run.json").read_text())["state"] == "failed"

    def test_a_finished_run_is_left_alone(self, finished: Finished, run_tiny: Run) -> None:
        before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")}
        again = run_tiny(resume=finished.path)
        assert again.was_finished and again.summary == finished.summary
        assert before == {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")}

    def test_not_with_another_recipe(self, finished: Finished, workplace: Path) -> None:
        with pytest.raises(RunError) as error:
            avspatial.run(workplace / "tiny.yaml", resume=finished.path, seed=5)
        assert "the recipe given is another one (" in str(error.value)
        assert str(error.value).endswith(
            ") than this run's\n  Resume with `--resume` alone, or start a new run without it."
        )

    def test_its_own_recipe_may_be_given_too(self, finished: Finished, workplace: Path) -> None:
        assert avspatial.run(workplace / "tiny.yaml", resume=finished.path, name="first").was_finished

    def test_not_with_changes_alone(self, finished: Finished, run_tiny: Run) -> None:
        with pytest.raises(RunError) as error:
            run_tiny(resume=finished.path, overrides=["trainer.lr=1"])
        assert str(error.value) == (
            f"{finished.path}: a run is resumed with the recipe it was started with, unchanged\n"
            "  Resume with `--resume` alone, or start a new run without it."
        )


class TestLoading:
    def test_the_best_weights_ready_to_use(self, finished: Finished) -> None:
        spatializer = avspatial.load(finished.path, device="cpu")
        best = finished.path / "checkpoints" / (finished.path / "checkpoints" / "BEST").read_text().strip()
        expected = load_file(best / "model.safetensors")
        assert expected.keys() == spatializer.state_dict().keys()
        assert all(torch.equal(expected[name], value) for name, value in spatializer.state_dict().items())
        assert not spatializer.training
        window = torch.randn(1, 16000), torch.rand(1, 4, 3, 32, 32)
        torch.testing.assert_close(spatializer(*window).sum(1), window[0], atol=1e-5, rtol=1e-5)

    def test_the_file_of_first_weights_is_not_needed_again(self, finished: Finished, tmp_path: Path) -> None:
        """A run that started from a file of pretrained weights is complete without that file."""
        run = copy(finished, tmp_path / "run")
        text = (run / "recipe.resolved.yaml").read_text()
        assert "width: 0.03125" in text
        wide = text.replace("width: 0.03125", "width: 1").replace("pretrained: false", "pretrained: /gone/c3d.pickle")
        (run / "recipe.resolved.yaml").write_text(wide)
        with pytest.raises(RunError, match="another architecture"):
            avspatial.load(run)

    def test_a_checkpoint_of_another_architecture(self, finished: Finished, tmp_path: Path) -> None:
        run = copy(finished, tmp_path / "run")
        recipe = run / "recipe.resolved.yaml"
        recipe.write_text(recipe.read_text().replace("width: 0.03125", "width: 0.0625"))
        with pytest.raises(RunError) as error:
            avspatial.load(run)
        assert "a checkpoint of another architecture: " in str(error.value)
        assert str(error.value).endswith("Load it with the recipe that made it: recipe.resolved.yaml of its run.")

    def test_no_checkpoint_yet(self, finished: Finished, tmp_path: Path) -> None:
        run = copy(finished, tmp_path / "run")
        shutil.rmtree(run / "checkpoints")
        with pytest.raises(RunError) as error:
            avspatial.load(run)
        assert str(error.value) == (
            f"{run}: this run stopped before its first checkpoint\n  Resume it: avspatial run --resume {run}"
        )


class TestNothingHalfWritten:
    """An error that can be found before training leaves no run directory."""

    @pytest.mark.parametrize(
        ("changes", "kind", "message"),
        [
            ({"overrides": ["trainer.lr=fast"]}, RecipeError, "trainer.lr"),
            ({"overrides": ["stft.n_fft=450"]}, RecipeError, "n_fft 450"),
            (
                {"overrides": ["data={use: fairplay, root: /nowhere/FAIR-Play}"]},
                DataError,
                "the data root is not there",
            ),
            ({"overrides": ["data.head=/nowhere/head.sofa"]}, AvspatialError, "head.sofa"),
            ({"overrides": ["trainer.precision=bf16"]}, RunError, "bf16 cannot be trusted on a CPU"),
            ({"device": "abacus"}, RunError, "no such device"),
        ],
    )
    def test_errors(
        self, run_tiny: Run, tmp_path: Path, changes: dict[str, Any], kind: type[AvspatialError], message: str
    ) -> None:
        with pytest.raises(kind) as error:
            run_tiny(**{"runs": tmp_path / "runs", **changes})
        assert message in str(error.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_runs_folder_that_cannot_be_written(self, run_tiny: Run, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(RunError) as error:
            run_tiny(runs=tmp_path / "file" / "runs")
        assert str(error.value) == (
            f"{tmp_path / 'file' / 'runs'}: no run can be made here: {tmp_path / 'file'} is a file\n"
            "  Give a folder that can be written with `--runs DIR`."
        )

    def test_nothing_to_run(self) -> None:
        with pytest.raises(RunError) as error:
            avspatial.run()
        assert str(error.value) == (
            "there is nothing to run\n"
            "  Give a recipe, such as sagm_demo (`avspatial recipes list` lists the shipped ones), "
            "or a run to resume (--resume RUN)."
        )


FRAGILE = '''
from avspatial.interfaces import Spatializer
from avspatial.plugin import Component, hookimpl
from avspatial.settings import Settings
import torch


class Fragile(Spatializer):
    """Learns a balance; breaks down on the first clip that it must spatialize."""

    def __init__(self, settings, *, framing, builder):
        super().__init__(settings, framing=framing, builder=builder)
        self.balance = torch.nn.Parameter(torch.zeros(()))
        self.broke = False

    def spatialize(self, mixture, visual):
        if torch.is_inference_mode_enabled() and not self.broke:
            self.broke = True
            raise RuntimeError("out of breath")
        return torch.stack([mixture * (1 + self.balance), mixture * (1 - self.balance)], 1) / 2


@hookimpl
def avspatial_components():
    return [Component("spatializer", "fragile", "1", "avspatial.settings:Settings", "fragile_plugin:Fragile", "Breaks")]
'''


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "fragile_plugin.py").write_text(FRAGILE)
    (plugin / "pyproject.toml").write_text(
        '[project]\nname = "fragile"\nversion = "1"\n[project.entry-points.avspatial]\nfragile = "fragile_plugin"\n'
    )
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(plugin))
    monkeypatch.syspath_prepend(str(plugin))


def test_a_clip_that_fails_is_counted_not_dropped(
    fragile: None, run_tiny: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run_tiny(
        name="fragile", overrides=["model={use: fragile}", "trainer={use: supervised, steps: 2, batch_size: 2}"]
    )
    assert (done.summary.clips, done.summary.failed) == (2, 1)
    lines = [json.loads(line) for line in (done.path / "scores.jsonl").read_text().splitlines()]
    errors = [line for line in lines if "error" in line]
    assert {line["error"] for line in errors} == {"RuntimeError: out of breath"}
    assert {line["condition"] for line in errors} == set(ROWS) and len({line["clip"] for line in errors}) == 1
    for means in done.summary.conditions.values():
        assert (means["snr"].n, means["snr"].failed) == (1, 1)
    assert (done.path / "report.html").is_file()
    assert main(["run", "--resume", str(done.path)]) == 1
    assert capsys.readouterr().err.endswith("1 of 2 clips failed; see the report.\n")
