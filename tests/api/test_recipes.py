"""Every shipped recipe is found, says how to run it, is right, and passes its own smoke."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recordings360 import field, media, panorama, write_recording

import avspatial
from avspatial.api.load import load_trained
from avspatial.api.run import Finished
from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.errors import RunError
from avspatial.progress import silent
from avspatial.recipe.load import load_recipe
from avspatial.registry import discover

ROOT = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(path for path in ROOT.rglob("*.yaml") if path.parent.name != "base")
NAMES = [path.relative_to(ROOT).with_suffix("").as_posix() for path in RECIPES]
TABLE_4 = ("no_visual", "not_shared", "resnet", "resnet_scratch", "c3d_scratch", "discriminator_blind")
HOPS = ("hop_1", "hop_0.05")
SYSTEMS = ("sagm", "mono2binaural", "apnet", "sepstereo", "main", "complete")
"""The systems of the paper's comparison."""
UNTRAINED = {"panner_demo", "panner_fairplay"}
"""Their models have nothing to learn."""


def test_every_row_of_the_papers_tables_is_there_at_both_sizes() -> None:
    ablations = {f"sagm_{size}{row}" for size in ("", "demo_") for row in (*TABLE_4, *HOPS)}
    systems = {f"{system}_{data}" for system in SYSTEMS for data in ("fairplay", "ytmusic", "demo")}
    assert set(NAMES) == ablations | systems | UNTRAINED
    assert len(NAMES) == 36


@pytest.mark.parametrize("system", SYSTEMS)
def test_on_youtube_videos_a_system_is_what_it_is_on_fairplay(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/data")
    registry = discover()
    fairplay, music = (load_recipe(ROOT / f"{system}_{data}.yaml", registry).recipe for data in ("fairplay", "ytmusic"))
    for part in ("model", "trainer", "window", "stft", "inference", "convention", "seed"):
        assert getattr(music, part) == getattr(fairplay, part), part
    measured = [[metric.id for metric in recipe.metrics] for recipe in (fairplay, music)]
    directions = [f"avspatial.{name}" for name in ("left_right", "lateral_gain", "azimuth_error")]
    assert measured[1] == [*measured[0], *directions]
    assert (music.data.id, music.data.settings.splits, music.data.settings.missing) == (
        "avspatial.foa360",
        "ytmusic/1",
        "refuse",
    )


def test_at_demo_size_every_system_trains_as_long_as_sagm() -> None:
    registry = discover()
    demos = [load_recipe(ROOT / f"{name}.yaml", registry).recipe for name in NAMES if "_demo" in name]
    trained = [demo for demo in demos if demo.name not in UNTRAINED]
    assert len({(demo.trainer.settings.steps, demo.trainer.settings.batch_size) for demo in trained}) == 1
    assert len({repr((demo.data, demo.metrics, demo.convention)) for demo in demos}) == 1


@pytest.mark.slow
def test_only_the_untrained_have_nothing_to_learn_and_they_are_trained_for_no_step(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in UNTRAINED:
        root = [f"data.root={place / 'FAIR-Play'}"] if name.endswith("_fairplay") else []
        done = _smoke(ROOT / f"{name}.yaml", place, monkeypatch, *root)
        assert "has no parameters to train; training is skipped." in capsys.readouterr().err
        assert not [record for record in done.run.records() if record["event"] in {"train", "validate"}]
        assert [folder.name for folder in done.run.checkpoints.glob("step-*")] == ["step-000000"]
        assert not avspatial.load(done.path, "cpu").trainable
        assert not load_trained(name, "cpu").spatializer.trainable
    with pytest.raises(RunError, match="must be trained, and this is only a recipe"):
        load_trained("sagm_demo", "cpu")


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_a_recipe_says_how_to_run_it_and_loads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVSPATIAL_DATA", raising=False)
    name = path.relative_to(ROOT).with_suffix("").as_posix()
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any(f"avspatial run {name}" in line and "--smoke" in line for line in head)
    registry = discover()
    loaded = load_recipe(path, registry)
    assert loaded.recipe.name == name
    assert loaded.recipe.smoke
    assert load_recipe(path, registry, smoke=True).recipe.trainer.settings.steps == 2


def test_an_ablation_changes_what_its_name_says_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/data")
    registry = discover()

    def flat(name: str) -> dict[str, object]:
        return _flat(load_recipe(ROOT / f"{name}.yaml", registry).recipe.model_dump(mode="json", exclude={"smoke"}))

    changed = {}
    for size, base in (("", flat("sagm_fairplay")), ("demo_", flat("sagm_demo"))):
        for row in (*TABLE_4, *HOPS):
            mine = flat(f"sagm_{size}{row}")
            keys = {key for key in base.keys() | mine.keys() if base.get(key, "") != mine.get(key, "")}
            changed[size + row] = {key for key in keys if not key.startswith("model.visual_encoder")} - {"name"}
            assert any(key.startswith("model.visual_encoder") for key in keys) == (
                row in {"no_visual", "resnet", "resnet_scratch"} or (row == "c3d_scratch" and not size)
            )
    for size in ("", "demo_"):
        assert changed[f"{size}not_shared"] == {"trainer.shared"}
        assert changed[f"{size}discriminator_blind"] == {"trainer.discriminator.visual"}
        assert changed[f"{size}hop_1"] == changed[f"{size}hop_0.05"] == {"inference.hop"}
        assert changed[f"{size}no_visual"] == {"trainer.discriminator.visual"}
        for row in ("resnet", "resnet_scratch", "c3d_scratch"):
            assert changed[size + row] == set()


def _flat(tree: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    found: dict[str, object] = {}
    for key, item in tree.items():
        found |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for caches and runs; six clips in FAIR-Play's layout and as solos, three 360-degree videos."""
    folder = tmp_path_factory.mktemp("recipes")
    settings = SimulatedSettings(root=folder / "FAIR-Play", clips=6, seconds=1.2, picture=(72, 128))
    SimulatedScenes(settings, progress=silent).prepare()
    solos = settings.model_copy(update={"root": folder / "solos", "sources": (1, 1), "solos": True})
    SimulatedScenes(solos, progress=silent).prepare()
    for number, azimuth in enumerate((60, -60, 40)):
        frames = [panorama(azimuth, 64)] * 31
        write_recording(folder / "YT-Music" / f"{number}.mkv", field(azimuth, 3.1, seed=number), frames)
    return folder


def _smoke(path: Path, place: Path, monkeypatch: pytest.MonkeyPatch, *sets: str) -> Finished:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(place / "cache"))
    monkeypatch.delenv("AVSPATIAL_DATA", raising=False)
    done = avspatial.run(path, smoke=True, overrides=sets, runs=place / "runs", device="cpu", progress=silent)
    assert done.summary.failed == 0
    assert done.summary.conditions["model"]["stft_distance"].n == done.summary.clips
    assert (done.path / "report.html").is_file()
    return done


DEMOS = [name for name in NAMES if "_demo" in name and name not in UNTRAINED]
PAPER_SIZE = [name for name in NAMES if "_demo" not in name and name not in {*UNTRAINED, "sagm_ytmusic"}]
"""`sagm_ytmusic` has a smoke of its own below."""
ONE_CLIP = ("limit=1", "metrics=[stft_distance]")


@pytest.mark.parametrize(
    "name", [*(f"{system}_demo" for system in SYSTEMS), pytest.param("sagm_fairplay", marks=pytest.mark.slow)]
)
def test_the_path_of_each_system_from_data_to_report(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One held-out clip and one metric; SAGM at paper size as well. The full lane takes every recipe as it stands."""
    root = () if name.endswith("_demo") else (f"data.root={place / 'FAIR-Play'}",)
    _smoke(ROOT / f"{name}.yaml", place, monkeypatch, *root, *ONE_CLIP)


@pytest.mark.slow
@pytest.mark.parametrize("name", DEMOS)
def test_the_smoke_of_a_recipe_at_demo_size(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _smoke(ROOT / f"{name}.yaml", place, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER_SIZE)
def test_the_smoke_of_a_recipe_at_paper_size(name: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solos = [f"trainer.solos.root={place / 'solos'}"] if name.startswith("sepstereo_") else []
    root = place / ("YT-Music" if name.endswith("_ytmusic") else "FAIR-Play")
    _smoke(ROOT / f"{name}.yaml", place, monkeypatch, f"data.root={root}", *solos)


@pytest.mark.slow
@pytest.mark.parametrize("recordings", ["real", "synthesised"])
def test_a_smoke_on_360_degree_video_scores_directions(
    recordings: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paper-size networks; the truth is the recording's own intensity vector, the reference its rendering."""
    root = media("foa360/clips") if recordings == "real" else place / "YT-Music"
    done = _smoke(ROOT / "sagm_ytmusic.yaml", place, monkeypatch, f"data.root={root}")
    conditions = done.summary.conditions
    assert {"model", "mono", "swapped", "reference"} <= set(conditions)
    means = {name: {metric: one.mean for metric, one in row.items()} for name, row in conditions.items()}
    assert means["mono"]["left_right"] == 0
    assert means["reference"]["left_right"] > 0.7 > 0.3 > means["swapped"]["left_right"]
    assert means["swapped"]["lateral_gain"] == pytest.approx(-1) and means["mono"]["lateral_gain"] == 0
    assert means["reference"]["azimuth_error"] < means["mono"]["azimuth_error"]
