"""A data set as files in FAIR-Play's layout: what is written, read back, continued, and refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.films import moving
from support.plain_rendering import RATE, PlainRendering, clip_of, recording

from avspatial.data.fairplay import FairPlay
from avspatial.data.open_dataset import OpenedDataset, open_dataset
from avspatial.data.render_files import RenderedFiles, file_names, render_files
from avspatial.data.settings import FairPlaySettings
from avspatial.errors import AvspatialError, DataError
from avspatial.interfaces import Clip, Dataset
from avspatial.media.audio import read_audio, write_wav
from avspatial.media.probe import media_info
from avspatial.media.video import grid_images, write_video
from avspatial.progress import silent
from avspatial.registry import Registry

PARTS = ("train", "val", "test")


def render(
    root: Path,
    out: Path,
    registry: Registry,
    use: str | None = None,
    settings: Any = (),
    progress: Any = silent,
    **options: Any,
) -> RenderedFiles:
    opened = open_dataset(root, use, settings, registry, progress)
    return render_files(opened, root, out, **{"fps": 10.0, "size": None, "jobs": 2, **options})


def fairplay(root: Path) -> FairPlay:
    return FairPlay(FairPlaySettings(root=str(root)), progress=silent)


def test_a_stereo_set_keeps_its_samples_and_splits(tiny_root: Path, tmp_path: Path, builtin_registry: Registry) -> None:
    out = tmp_path / "out"
    extremes = np.random.default_rng(0).integers(-32768, 32768, (2, 2 * 48000)).astype(np.int16)
    extremes[:, 0] = -32768, 32767
    write_wav(tiny_root / "binaural_audios" / "000001.wav", extremes, 48000, "PCM_16")
    assert render(tiny_root, out, builtin_registry) == RenderedFiles({"train": 2, "val": 1, "test": 1}, [])
    back, source = fairplay(out), fairplay(tiny_root)
    for part in PARTS:
        assert [clip.id for clip in back.clips(part)] == [clip.id for clip in source.clips(part)]
        for new, old in zip(back.clips(part), source.clips(part), strict=True):
            assert soundfile.info(str(new.audio)).subtype == "PCM_16"
            np.testing.assert_array_equal(read_audio(new.audio)[0], read_audio(old.audio)[0])
            assert read_audio(new.audio)[1] == 48000


def test_the_lists_have_the_official_form(tiny_root: Path, tmp_path: Path, builtin_registry: Registry) -> None:
    render(tiny_root, tmp_path / "out", builtin_registry)
    with h5py.File(tmp_path / "out" / "splits" / "split1" / "train.h5") as file:
        assert file["audio"].dtype.kind == "S"
        assert list(file["audio"]) == [b"binaural_audios/000002.wav", b"binaural_audios/000001.wav"]


def test_images_have_the_size_and_rate_that_were_asked_for(
    tiny_root: Path, tmp_path: Path, builtin_registry: Registry
) -> None:
    render(tiny_root, tmp_path / "small", builtin_registry, size=(48, 64), fps=5.0)
    render(tiny_root, tmp_path / "default", builtin_registry)
    small, default = (media_info(tmp_path / name / "videos" / "000001.mp4") for name in ("small", "default"))
    assert small.video is not None and default.video is not None and small.audio is not None
    assert (small.video.height, small.video.width, small.video.fps) == (48, 64, 5.0)
    assert (default.video.height, default.video.width, default.video.fps) == (360, 480, 10.0)
    assert small.audio.seconds == pytest.approx(2, abs=0.03)
    old, new = (grid_images(root / "videos" / "000001.mp4", 5, (24, 32)) for root in (tiny_root, tmp_path / "small"))
    assert len(old) == len(new) == 10
    assert np.abs(old.astype(float) - new).mean() < 3


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Four films of 4 s with sound inside, in a folder whose name is none for a file of the layout."""
    for number in range(4):
        path = tmp_path / "my films" / "live: at home" / f"song {number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = 0.1 * np.random.default_rng(number).standard_normal((2, 4 * 48000)) * [[0.8], [0.4]]
        write_video(path, moving(40, 32, 48), 10, sound, 48000)
    return tmp_path / "my films"


def test_cut_recordings_become_files_that_know_their_recording(
    songs: Path, tmp_path: Path, builtin_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    done = render(songs, out, builtin_registry, settings={"seconds": 2})
    assert sum(done.clips.values()) == 8
    source = open_dataset(songs, "folder", {"seconds": 2}, builtin_registry, silent).dataset
    back = fairplay(out)
    origins = json.loads((out / "rendered.json").read_text())["clips"]
    for part in PARTS:
        for new, old in zip(back.clips(part), source.clips(part), strict=True):
            assert re.fullmatch(r"[\w.-]+", new.id)
            assert new.recording == old.recording
            origin = origins[new.id]
            assert (origin["id"], origin["split"], origin["start"], origin["seconds"]) == (old.id, part, old.start, 2.0)
            assert songs / origin["audio"] == songs / origin["video"] == old.audio
            expected = read_audio(old.audio, old.start, old.seconds)[0]
            assert np.abs(read_audio(new.audio)[0] - expected).max() <= 0.5001 / 32768


def contents(folder: Path) -> dict[str, bytes]:
    """What each file holds; of videos the images, for x264 does not always write the same bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    images = {path: grid_images(path, 10, (360, 480)).tobytes() for path in files if path.suffix == ".mp4"}
    return {path.relative_to(folder).as_posix(): images.get(path) or path.read_bytes() for path in files}


def test_files_are_complete_whenever_it_stops_and_the_same_call_continues(
    tiny_root: Path, tmp_path: Path, builtin_registry: Registry
) -> None:
    class Stopped(Exception):
        pass

    def stop(items: Iterable[Any], title: str) -> Iterable[Any]:
        for number, item in enumerate(items):
            if title == "Rendering clips" and number == 2:
                raise Stopped
            yield item

    out = tmp_path / "out"
    with pytest.raises(Stopped):
        render(tiny_root, out, builtin_registry, progress=stop, jobs=1)
    assert not (out / "splits").exists()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*4")}
    assert len(before) >= 2
    assert render(tiny_root, out, builtin_registry).clips == {"train": 2, "val": 1, "test": 1}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    render(tiny_root, tmp_path / "once", builtin_registry)
    assert contents(out) == contents(tmp_path / "once")


def test_nothing_is_clipped(tiny_root: Path, tmp_path: Path, builtin_registry: Registry) -> None:
    path = tiny_root / "binaural_audios" / "000003.wav"
    loud = np.float32(12) * read_audio(path)[0]
    write_wav(path, loud, 48000)
    out = tmp_path / "out"
    assert render(tiny_root, out, builtin_registry).beyond == ["000003"]
    np.testing.assert_array_equal(read_audio(out / "binaural_audios" / "000003.wav")[0], loud)
    assert render(tiny_root, out, builtin_registry).beyond == ["000003"]


@dataclass
class Panoramas(Dataset):
    """360-degree recordings, one in each split."""

    by_part: dict[str, list[Clip]]

    def __post_init__(self) -> None:
        super().__init__(None, progress=silent)

    def prepare(self) -> None: ...

    def clips(self, split: str) -> list[Clip]:
        return self.by_part[split]

    def fingerprint(self) -> str:
        return "panoramas"


def panorama_set(folder: Path, rendering: PlainRendering, azimuths: Sequence[float]) -> OpenedDataset:
    clips = [
        clip_of(recording(folder / f"{part}.mkv", azimuth), rendering)
        for part, azimuth in zip(PARTS, azimuths, strict=True)
    ]
    return OpenedDataset(Panoramas({part: [clip] for part, clip in zip(PARTS, clips, strict=True)}), "mine", {}, False)


def test_panoramas_become_views_and_their_field_two_ears(tmp_path: Path) -> None:
    rendering = PlainRendering(yaw=10.0)
    (tmp_path / "source").mkdir()
    opened = panorama_set(tmp_path / "source", rendering, (40.0, 10.0, -20.0))
    out = tmp_path / "out"
    render_files(opened, tmp_path / "source", out, fps=10.0, size=(64, 96), jobs=1)
    for part, side in (("train", 1), ("val", 0), ("test", -1)):
        (clip,) = fairplay(out).clips(part)
        stereo, rate = read_audio(clip.audio)
        field, _ = read_audio(opened.dataset.clips(part)[0].audio)
        assert rate == RATE
        np.testing.assert_allclose(stereo, rendering.stereo(field, RATE), atol=0.501 / 32768)
        level = np.log10((stereo**2).mean(1))
        assert np.sign(np.round(level[0] - level[1], 1)) == side
        (image, *_) = grid_images(clip.video, 10, (64, 96))
        columns = image[:, :, 1].mean(0)
        middle = (columns * (np.arange(96) - 47.5)).sum() / columns.sum()
        assert np.sign(np.round(-middle / 10)) == side
    origin = json.loads((out / "rendered.json").read_text())["clips"]["train"]
    assert origin["rendering"] == rendering.key


@given(st.lists(st.text(), unique=True))
def test_any_ids_become_different_safe_names(ids: list[str]) -> None:
    names = file_names(ids)
    assert list(names) == ids
    assert len({name.casefold() for name in names.values()}) == len(ids)
    for name in names.values():
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name)
        assert len(name) < 200


def test_names_that_are_safe_stay_as_they_are() -> None:
    assert file_names(["000001", "song_0010.0"]) == {"000001": "000001", "song_0010.0": "song_0010.0"}
    for pair in (["Song", "song"], ["song", "Song"]):
        first, second = file_names(pair).values()
        assert first == pair[0] and re.fullmatch(rf"{pair[1]}-[0-9a-f]{{8}}", second)
    assert re.fullmatch(r"a_b-[0-9a-f]{8}", file_names(["a/b"])["a/b"])


def refused(root: Path, out: Path, registry: Registry, **options: Any) -> str:
    with pytest.raises(AvspatialError) as error:
        render(root, out, registry, **options)
    return str(error.value)


OTHER = "Give another folder, or remove this one."


def test_a_folder_that_holds_something_else_is_refused(
    tiny_root: Path, tmp_path: Path, builtin_registry: Registry
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("mine")
    assert refused(tiny_root, out, builtin_registry) == f"{out}: is not empty and holds no rendered clips\n  {OTHER}"
    assert [path.name for path in out.iterdir()] == ["letter.txt"]
    inside = tiny_root / "out"
    assert refused(tiny_root, inside, builtin_registry) == (
        f"{inside}: is in the folder of the data set\n  Give a folder outside: the data set would read its own copies."
    )


def test_other_settings_are_refused_and_named(tiny_root: Path, tmp_path: Path, builtin_registry: Registry) -> None:
    out = tmp_path / "out"
    render(tiny_root, out, builtin_registry, size=(48, 64))
    assert refused(tiny_root, out, builtin_registry, size=(48, 64), fps=5.0) == (
        f"{out}: holds clips that were rendered otherwise (fps 10.0, not 5.0)\n  {OTHER}"
    )
    for damaged in ("{", "[]"):
        (out / "rendered.json").write_text(damaged)
        assert refused(tiny_root, out, builtin_registry) == (
            f"{out / 'rendered.json'}: cannot be read\n  Remove the folder; it is then rendered again."
        )


def test_a_record_that_is_damaged_is_no_silent_loss_of_recordings(
    tiny_root: Path, tmp_path: Path, builtin_registry: Registry
) -> None:
    out = tmp_path / "out"
    render(tiny_root, out, builtin_registry)
    (out / "rendered.json").write_text('{"clips": []}')
    with pytest.raises(DataError, match="cannot be read"):
        fairplay(out).clips("train")
