"""Several files in one call, and one model from a run or from the file that it was exported to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from support.films import RECIPE

import avspatial
from avspatial.api.load import Trained
from avspatial.cli.main import main
from avspatial.errors import AvspatialError, MediaError, RunError
from avspatial.media.audio_writer import write_audio
from avspatial.progress import ProgressDisplay, no_display

Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]


def test_several_at_once_are_as_one_after_another(film: Film, trained: Trained, tmp_path: Path) -> None:
    films = tmp_path / "films"
    (films / "deeper").mkdir(parents=True)
    for number in range(4):
        film(films / ("deeper" if number % 2 else "") / f"{number}.mp4", seconds=0.5 + 0.2 * number)
    (films / "broken.mp4").write_bytes(b"no video at all")
    displays, received = [], []

    @contextmanager
    def progress() -> Iterator[ProgressDisplay]:
        displays.append(1)
        with no_display() as shown:
            yield shown

    one = avspatial.spatialize(films, trained, out=tmp_path / "one", progress=no_display)
    several = avspatial.spatialize(
        films,
        trained,
        out=tmp_path / "several",
        jobs=3,
        progress=progress,
        on_result=lambda result: received.append(result.source),
    )
    assert displays == [1]
    assert [result.source for result in several.results] == [result.source for result in one.results]
    assert sorted(received) == sorted(result.source for result in several.results)
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


def test_an_exported_run_gives_the_samples_of_the_run(
    run: Path, film: Film, read_track: ReadTrack, tmp_path: Path
) -> None:
    source, model = film(tmp_path / "in.mkv", audio="flac"), tmp_path / "model.safetensors"
    assert main(["export", str(run), "-o", str(model)]) == 0
    made = []
    for place in (run, model):
        (result,) = avspatial.spatialize(
            source, place, out=tmp_path / f"{len(made)}.mkv", device="cpu", progress=no_display
        ).results
        assert result.error == ""
        made.append(read_track(result.out)[0])
    assert np.array_equal(*made)
    assert np.abs(np.subtract(*made[0])).max() > 1e-4


def test_an_export_is_not_written_over(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"mine")
    assert main(["export", str(run), "-o", str(model)]) == 2
    assert capsys.readouterr().err == (f"error: {model}: already exists\n  Give another name with -o, or --force.\n")
    assert model.read_bytes() == b"mine"
    assert main(["export", str(run), "-o", str(tmp_path / "model.pt")]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'model.pt'}: the name must end in .safetensors\n  Give -o model.safetensors.\n"
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
        avspatial.spatialize(source, changed, progress=no_display)
    assert str(error.value) == (
        f"{changed}: damaged: its contents do not match its hash\n"
        "  Export it again: avspatial export RUN -o FILE.safetensors."
    )
    assert sorted(tmp_path.iterdir()) == [changed, source]


def recorded_live(source: Path, out: Path) -> Path:
    """The same packets, as a browser's recorder writes them: no length in front, none behind."""
    with av.open(str(source)) as container, av.open(str(out), "w", options={"live": "1"}) as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return out


def test_what_was_recorded_live_is_skipped_too_when_it_is_there(film: Film, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    live = recorded_live(film(tmp_path / "full.mp4", seconds=1), tmp_path / "films" / "live.mkv")
    with av.open(str(live)) as container:
        assert container.duration is None and container.streams.audio[0].duration is None
    (planned,) = avspatial.spatialize(live, trained, dry_run=True, progress=no_display).results
    assert planned.plan is not None and planned.plan.seconds == pytest.approx(1, abs=0.05)
    states = [avspatial.spatialize(tmp_path / "films", trained, progress=no_display).results[0].state for _ in range(2)]
    assert states == ["done", "skipped"]


def test_a_call_that_means_nothing_is_refused(film: Film, trained: Trained, tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", seconds=0.5)
    (tmp_path / "b.txt").write_text("")
    (tmp_path / "dead.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / ".trash").mkdir()
    film(tmp_path / ".trash" / "old.mp4", seconds=0.5)
    for inputs, options, message in (
        ([], {}, "inputs: nothing to spatialize was given"),
        (source, {"jobs": 0}, "jobs: 0 files at once; at least 1 is needed"),
        (source, {"mode": "Exact"}, "mode: unknown mode 'Exact'; it can be exact or continuous"),
        (source, {"precision": "fp16"}, "precision: unknown precision 'fp16'; it can be fp32 or bf16"),
        (source, {"overrides": ["model.width=2"]}, "model: a loaded model takes neither overrides nor device"),
        (source, {"device": "cpu"}, "model: a loaded model takes neither overrides nor device"),
        (tmp_path / "dead.mp4", {}, f"{tmp_path / 'dead.mp4'}: no such file or folder"),
        (tmp_path / "*.txt", {}, f"{tmp_path / '*.txt'}: matches no video to spatialize"),
    ):
        with pytest.raises(AvspatialError) as refused:
            avspatial.spatialize(inputs, trained, progress=no_display, **options)
        assert str(refused.value).startswith(message)
    assert len(avspatial.spatialize(tmp_path, trained, dry_run=True, progress=no_display).results) == 1


def test_a_single_film_of_a_folder_may_be_given_a_name(film: Film, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    film(tmp_path / "one" / "a.mp4", seconds=0.5)
    for inputs in (tmp_path / "one", tmp_path / "one" / "*.mp4"):
        out = tmp_path / f"{len(str(inputs))}.mp4"
        (result,) = avspatial.spatialize(inputs, trained, out=out, progress=no_display).results
        assert (result.state, result.out) == ("done", out) and out.is_file()


def test_a_sound_file_has_no_second_track(film: Film, trained: Trained, tmp_path: Path) -> None:
    video, sound = film(tmp_path / "a.mp4", seconds=0.5), tmp_path / "a.wav"
    write_audio(sound, iter([0.1 * np.ones((2, 8000), np.float32)]), 16000, 8000)
    with pytest.raises(MediaError, match="--keep-original adds a track to a video; an audio file holds one"):
        avspatial.spatialize(sound, trained, video=video, keep_original=True, progress=no_display)
