"""`avspatial weights import`: published files become a file or a run that avspatial loads, or a clear refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import avspatial
from avspatial.cli.main import main
from avspatial.recipe.catalogue import locate
from avspatial.recipe.load import load_recipe
from avspatial.registry import discover

ROOT = Path(__file__).parents[2]
SMALL = ("model.visual_encoder.backbone=test_resnet", "model.audio_encoder.width=0.03125", "window.picture=[64, 96]")
SETS = [word for text in (*SMALL, "data.root=FAIR-Play") for word in ("--set", text)]


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(ROOT / "plugins"))
    monkeypatch.delenv("AVSPATIAL_DATA", raising=False)


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, Tensor]]:
    """What two files of a small MONO2BINAURAL hold, filled at random."""
    registry = discover([ROOT / "plugins"])
    sets = (*SMALL, "data.root=FAIR-Play", "model.visual_encoder.pretrained=false")
    recipe = load_recipe(locate("mono2binaural_fairplay"), registry, sets).recipe
    model = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    generator, state = torch.Generator().manual_seed(0), model.state_dict()
    return {
        part: {name: torch.rand(state[own].shape, generator=generator) for name, own in names.items()}
        for part, names in model.published_names().items()
    }


@pytest.fixture
def files(published: dict[str, dict[str, Tensor]], tmp_path: Path) -> list[str]:
    """The options that name the two files."""
    for part, weights in published.items():
        torch.save(weights, tmp_path / f"{part}.pth")
    return [word for part in published for word in (f"--{part}", str(tmp_path / f"{part}.pth"))]


def importing(*words: str) -> int:
    return main(["weights", "import", *words])


def test_a_run_that_loads(
    files: list[str], published: dict[str, dict[str, Tensor]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "official"
    assert importing("mono2binaural", *files, "-o", str(out), *SETS) == 0
    assert capsys.readouterr().out == f"{out}\n"
    model = avspatial.load(out, device="cpu")
    assert not model.training
    state = model.state_dict()
    for part, names in model.published_names().items():
        for name, own in names.items():
            assert own is not None
            assert torch.equal(state[own], published[part][name].to(state[own].dtype))
    assert model.mixture_rms == pytest.approx(0.17)
    assert model(torch.zeros(1, 10_080), torch.zeros(1, 1, 3, 64, 96)).shape == (1, 2, 10_080)

    facts = json.loads((out / "run.json").read_text())
    assert facts["state"] == "imported"
    assert facts["imported"]["visual"]["file"] == "visual.pth"
    assert len(facts["imported"]["audio"]["sha256"]) == 64
    assert (out / "recipe.yaml").read_text() == locate("mono2binaural_fairplay").read_text()
    # the run does not need the weights from which training would have started
    assert "pretrained: true" not in (out / "recipe.resolved.yaml").read_text()
    assert {path.name for path in (out / "checkpoints").iterdir()} == {"step-000000", "LATEST"}


def test_a_file_for_other_recipes(files: list[str], published: dict[str, dict[str, Tensor]], tmp_path: Path) -> None:
    out = tmp_path / "new" / "official.safetensors"
    assert importing("mono2binaural", *files, "-o", str(out), "--mixture-rms", "0.19", *SETS) == 0
    tensors = load_file(out)
    assert tensors["mixture_rms"] == pytest.approx(0.19)
    assert torch.equal(tensors["mask_generator.last.bias"], published["audio"]["audionet_upconvlayer5.0.bias"])
    registry = discover()
    sets = (*SMALL, "data.root=x", "model.visual_encoder.pretrained=false", f"model.pretrained={out}")
    recipe = load_recipe(locate("mono2binaural_fairplay"), registry, sets).recipe
    model = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    assert all(torch.equal(value, tensors[name]) for name, value in model.state_dict().items())


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert importing(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


@pytest.mark.parametrize("out", ["official", "official.safetensors"])
def test_a_refused_file_leaves_nothing(
    out: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "audio.pth"
    weights = torch.load(path, weights_only=True)
    del weights["conv1x1.0.bias"]
    torch.save(weights, path)
    assert refusal(capsys, "mono2binaural", *files, "-o", str(tmp_path / out), *SETS) == (
        f"error: {path}: other weights than those of audio: missing: conv1x1.0.bias\n"
        "  Give the file as its authors published it.\n"
    )
    assert {file.name for file in tmp_path.iterdir()} == {"visual.pth", "audio.pth"}


def test_nothing_is_written_over(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "kept.safetensors"
    out.write_text("mine")
    assert refusal(capsys, "mono2binaural", *files, "-o", str(out), *SETS) == (
        f"error: {out}: already exists\n  Give another name with -o.\n"
    )
    assert out.read_text() == "mine"


def test_a_method_without_published_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "masking", "-o", str(tmp_path / "x")) == (
        "error: spatializer 'avspatial.masking' names no published weights\n"
        "  Choose a method that does, such as mono2binaural.\n"
    )


def test_an_unknown_method(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "mono2binaurel", "-o", str(tmp_path / "x")).startswith(
        "error: unknown spatializer 'mono2binaurel' (did you mean 'mono2binaural'?)\n  There are: "
    )


def test_another_methods_recipe(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = locate("sagm_demo")
    assert refusal(capsys, "mono2binaural", *files, "-o", str(tmp_path / "x"), "--recipe", "sagm_demo") == (
        f"{path}: the model of this recipe is avspatial.masking, not mono2binaural.mono2binaural\n"
        "  Give a recipe with `use: mono2binaural`.\n"
    )
