"""Several files in one call, and one model from a run or from the file that it was exported to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import RECIPE
from safetensors import safe_open
from safetensors.torch import save_file

import avspatial
from avspatial.cli.main import main
from avspatial.errors import RunError
from avspatial.runs import clock
from avspatial.trained import Trained

Film = Callable[..., Path]
Heard = Callable[[Path], tuple[np.ndarray, Any]]


def test_several_at_once_are_as_one_after_another(film: Film, trained: Trained, tmp_path: Path) -> None:
    films = tmp_path / "films"
    (films / "deeper").mkdir(parents=True)
    for number in range(4):
        film(films / ("deeper" if number % 2 else "") / f"{number}.mp4", seconds=0.5 + 0.2 * number)
    (films / "broken.mp4").write_bytes(b"no video at all")
    displays, told = [], []

    @contextmanager
    def progress() -> Iterator[clock.Clock]:
        displays.append(1)
        with clock.unseen() as shown:
            yield shown

    one = avspatial.spatialize(films, trained, out=tmp_path / "one", progress=clock.unseen)
    several = avspatial.spatialize(
        films,
        trained,
        out=tmp_path / "several",
        jobs=3,
        progress=progress,
        told=lambda result: told.append(result.source),
    )
    assert displays == [1]
    assert [result.source for result in several.results] == [result.source for result in one.results]
    assert sorted(told) == sorted(result.source for result in several.results)
    assert (several.count("done"), several.count("failed")) == (one.count("done"), one.count("failed")) == (4, 1)
    made = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.mp4"))
    assert [str(path) for path in made] == [
        "0_binaural.mp4", "2_binaural.mp4", "deeper/1_binaural.mp4", "deeper/3_binaural.mp4",
    ]  # fmt: skip
    for path in made:
        assert (tmp_path / "several" / path).read_bytes() == (tmp_path / "one" / path).read_bytes()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of the tiny model: two steps of training."""
    folder = tmp_path_factory.mktemp("run")
    data = f"data: {{use: simulated, clips: 6, seconds: 1.2, picture: [48, 64], root: {folder / 'scenes'}}}"
    text = RECIPE.replace("data: {{use: simulated, clips: 6}}", data.replace("{", "{{").replace("}", "}}"))
    text = text.format(eyes="{use: c3d, width: 0.03125, pretrained: false}").replace(
        "steps: 1", "steps: 2, batch_size: 2"
    )
    (folder / "tiny.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVSPATIAL_CACHE", str(folder / "cache"))
        assert main(["run", str(folder / "tiny.yaml"), "--runs", str(folder / "runs"), "--device", "cpu"]) == 0
    (run,) = (folder / "runs" / "tiny").iterdir()
    yield run


def test_an_exported_run_gives_the_samples_of_the_run(run: Path, film: Film, heard: Heard, tmp_path: Path) -> None:
    source, model = film(tmp_path / "in.mkv", audio="flac"), tmp_path / "model.safetensors"
    assert main(["export", str(run), "-o", str(model)]) == 0
    made = []
    for place in (run, model):
        (result,) = avspatial.spatialize(
            source, place, out=tmp_path / f"{len(made)}.mkv", device="cpu", progress=clock.unseen
        ).results
        assert result.error == ""
        made.append(heard(result.out)[0])
    assert np.array_equal(*made)
    assert np.abs(np.subtract(*made[0])).max() > 1e-4


def test_an_export_is_not_written_over(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"mine")
    assert main(["export", str(run), "-o", str(model)]) == 2
    assert capsys.readouterr().err == (
        f"error: {model}: exists, and nothing is written over\n  Give another name with -o, or --force.\n"
    )
    assert model.read_bytes() == b"mine"
    assert main(["export", str(run), "-o", str(tmp_path / "model.pt")]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'model.pt'}: a model file's name ends in .safetensors\n  Give -o model.safetensors.\n"
    )


def _weights(facts: dict[str, Any], weights: dict[str, Any]) -> None:
    name = sorted(weights)[0]
    weights[name] = weights[name] + 1


def _recipe(facts: dict[str, Any], weights: dict[str, Any]) -> None:
    assert "hop: 0.03" in facts["recipe"]
    facts["recipe"] = facts["recipe"].replace("hop: 0.03", "hop: 0.04")


def _components(facts: dict[str, Any], weights: dict[str, Any]) -> None:
    facts["components"] = dict.fromkeys(facts["components"], "avspatial.other@1")


@pytest.mark.parametrize("tamper", [_weights, _recipe, _components])
def test_a_tampered_export_is_refused(film: Film, model: Path, tmp_path: Path, tamper: Callable[..., None]) -> None:
    source, changed = film(tmp_path / "in.mp4"), tmp_path / "changed.safetensors"
    with safe_open(model, "pt") as file:
        facts = json.loads(file.metadata()["avspatial"])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the handle is no dict
    tamper(facts, weights)
    save_file(weights, changed, {"avspatial": json.dumps(facts)})
    with pytest.raises(RunError) as error:
        avspatial.spatialize(source, changed, progress=clock.unseen)
    assert str(error.value) == (
        f"{changed}: damaged: its content is not what was exported\n"
        "  Export it again: avspatial export RUN -o FILE.safetensors."
    )
    assert sorted(tmp_path.iterdir()) == [changed, source]
