"""What the check of a data set finds, on small sets of real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.films import moving

import avspatial
from avspatial.data.check.result import DataCheck
from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.errors import DataError, PluginError, RecipeError
from avspatial.media.audio import read_audio, write_wav
from avspatial.media.resample import resample
from avspatial.media.video import write_video
from avspatial.progress import silent


def check(root: Path, **options: Any) -> DataCheck:
    return avspatial.check_data(root, **{"progress": silent, "jobs": 2, **options})


def change(root: Path, name: str, edit: Callable[[np.ndarray], np.ndarray], rate: int = 48000) -> None:
    path = root / "binaural_audios" / f"{name}.wav"
    write_wav(path, edit(read_audio(path)[0]), rate, "PCM_16")


def test_a_sound_set_passes_with_its_counts_and_levels(tiny_root: Path) -> None:
    found = check(tiny_root)
    assert found.passed
    document = found.to_dict()
    assert document["use"] == "fairplay"
    assert document["clips"] == {"train": 2, "val": 1, "test": 1}
    assert document["recordings"] == 4
    assert (document["leaks"], document["damage"], document["left_out"], document["refused"]) == ([], [], [], [])
    sound = document["sound"]
    assert (sound["rates"], sound["channels"]) == ({"48000": 4}, {"2": 4})
    assert sound["seconds"] == dict.fromkeys(("min", "p5", "median", "p95", "max"), 2.0)
    # Independent noise of 0.08 and 0.04: 20 log10 of their ratio, of their RMS, and sides that cancel nothing.
    assert sound["level_difference_db"]["median"] == pytest.approx(6.02, abs=0.1)
    assert sound["level_dbfs"]["median"] == pytest.approx(20 * np.log10(np.sqrt((0.08**2 + 0.04**2) / 2)), abs=0.1)
    assert sound["side_mid_db"]["median"] == pytest.approx(0, abs=0.1)
    assert document["directions"] == {
        "clips": 0,
        "shares": None,
        "motion": {"clips": 0, "agree": 0, "swapped": False},
    }


def test_a_resampled_quieter_copy_in_another_split_is_a_leak(tiny_root: Path) -> None:
    original, rate = read_audio(tiny_root / "binaural_audios" / "000001.wav")
    change(tiny_root, "000004", lambda _: 0.3 * resample(original, rate, 16000), 16000)
    found = check(tiny_root)
    assert not found.passed
    assert found.leaks == [("000001", "000004")]
    (pair,) = found.shared
    assert (pair.splits, pair.equal, pair.offset) == (("train", "test"), False, 0.0)
    assert pair.seconds == pytest.approx(2, abs=0.1)


def test_equal_audio_within_a_split_is_reported_but_no_leak(tiny_root: Path) -> None:
    original, _ = read_audio(tiny_root / "binaural_audios" / "000001.wav")
    change(tiny_root, "000002", lambda _: original)
    found = check(tiny_root)
    assert found.passed and found.leaks == []
    (pair,) = found.shared
    assert (pair.clips, pair.splits, pair.equal) == (("000002", "000001"), ("train", "train"), True)


def test_a_clip_in_two_lists_is_a_leak_that_a_run_refuses(tiny_root: Path, list_clips: Callable[..., Path]) -> None:
    list_clips("test", ["000001"])
    found = check(tiny_root)
    assert found.leaks == [("000001", "000001")]
    assert found.split_recordings == ["000001"]
    assert found.counts == {"train": 2, "val": 1, "test": 1}
    assert "the train and test lists share 1 of their clips" in found.refused["train"]


def test_every_damaged_clip_is_named_and_the_others_are_measured(tiny_root: Path) -> None:
    (tiny_root / "videos" / "000001.mp4").unlink()
    cut = tiny_root / "binaural_audios" / "000002.wav"
    cut.write_bytes(cut.read_bytes()[:1000])
    change(tiny_root, "000003", lambda audio: audio[:, :24000])
    change(tiny_root, "000004", lambda audio: audio[:1])
    found = check(tiny_root)
    assert found.damage == {
        "000001": "videos/000001.mp4: no such video file",
        "000002": "binaural_audios/000002.wav: cut short: it ends at 0.00 s of 2.00 s",
        "000003": "0.50 s of audio but 2.00 s of video",
        "000004": "binaural_audios/000004.wav: mono where stereo is needed",
    }
    assert set(found.refused) == {"train", "val", "test"}
    assert found.counts == {"train": 2, "val": 1, "test": 1}
    assert not found.passed


def test_dead_channels_and_silence_are_damage_and_mono_is_a_note(tiny_root: Path) -> None:
    change(tiny_root, "000001", lambda audio: audio * [[1], [0]])
    change(tiny_root, "000002", lambda audio: 0 * audio)
    change(tiny_root, "000003", lambda audio: audio[[0, 0]])
    found = check(tiny_root)
    assert found.damage == {"000001": "its right channel is dead", "000002": "silent: below -60 dBFS"}
    assert found.notes == {"000003": "mono: left and right are equal"}
    assert not found.passed


def test_damage_inside_a_video_is_found_where_images_are_decoded(tiny_root: Path) -> None:
    video = tiny_root / "videos" / "000004.mp4"
    content = bytearray(video.read_bytes())
    begin, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[begin:end] = bytes(end - begin)
    video.write_bytes(content)
    assert list(check(tiny_root).damage) == ["000004"]
    assert check(tiny_root, images=False).passed


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-eight scenes of one source each, that stands clearly at a side."""
    from avspatial.data.simulated.settings import SimulatedSettings

    root = tmp_path_factory.mktemp("scenes") / "set"
    settings: dict[str, Any] = {
        "clips": 28,
        "seconds": 1.5,
        "picture": (36, 64),
        "sources": (1, 1),
        "distractors": (0, 0),
    }
    SimulatedScenes(SimulatedSettings(root=root, moving=0, **settings), progress=silent).prepare()
    return root


def test_the_directions_of_simulated_scenes_are_known_and_their_channels_agree(scenes: Path) -> None:
    found = check(scenes)
    assert found.use == "simulated"
    directions = found.to_dict()["directions"]
    assert directions["clips"] == 28
    assert sum(directions["shares"].values()) == pytest.approx(1, abs=1e-3)
    # Clips come in pairs at opposite azimuths.
    assert directions["shares"]["left"] == pytest.approx(directions["shares"]["right"], abs=0.05)
    assert directions["shares"]["behind"] == 0
    assert found.motion.clips >= 10 and found.motion.agree > 0.9 * found.motion.clips
    assert not found.motion.swapped
    assert found.passed


def test_exchanged_channels_are_suspected_but_no_failure(scenes: Path, tmp_path: Path) -> None:
    import shutil

    swapped = tmp_path / "swapped"
    shutil.copytree(scenes, swapped)
    (swapped / "simulated.json").unlink()
    for path in (swapped / "binaural_audios").iterdir():
        change(swapped, path.stem, lambda audio: audio[::-1])
    found = check(swapped)
    assert found.use == "fairplay"
    assert found.motion.swapped
    assert found.passed


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three films with sound inside, one of mono sound, and a copy of the first that begins a second later."""
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "films"
    root.mkdir()
    lines = ["file,split"]
    for number, part in enumerate(("train", "val", "test", "test", "test")):
        sound = 0.1 * np.random.default_rng(number % 4).standard_normal((2, 9 * 48000)) * [[0.8], [0.4]]
        sound = {3: sound[[0, 0]], 4: sound[:, 48000:]}.get(number, sound)
        images = moving(10 * sound.shape[1] // 48000, 32, 48)
        write_video(root / f"{number}.mp4", images, 10, sound, 48000)
        lines.append(f"{number}.mp4,{part}")
    (tmp_path / "splits.csv").write_text("\n".join(lines))
    return root


def test_a_film_that_is_in_another_one_leaks_clip_by_clip(films: Path) -> None:
    settings = {"seconds": 4.0, "splits": str(films.parent / "splits.csv")}
    found = check(films, settings=settings)
    assert found.use == "folder"
    assert found.counts == {"train": 2, "val": 2, "test": 4}
    # The copy's clips begin at 1 and 5 s of the film, whose own begin at 0 and 4 s.
    assert {("0_0000.0", "4_0000.0"), ("0_0004.0", "4_0004.0")} <= set(found.leaks)
    assert {(pair.clips[0][0], pair.clips[1][0]) for pair in found.shared} == {("0", "4")}
    assert [round(pair.offset) for pair in found.shared if pair.seconds > 2] == [1, 1]
    assert found.left_out and all(why.startswith("mono") for why in found.left_out.values())
    assert found.damage == {}


def test_solos_are_checked_without_sides(tmp_path: Path) -> None:
    from avspatial.data.simulated.settings import SimulatedSettings

    root = tmp_path / "solos"
    settings: dict[str, Any] = {"clips": 6, "seconds": 1.0, "picture": (36, 64), "sources": (1, 1), "solos": True}
    SimulatedScenes(SimulatedSettings(root=root, **settings), progress=silent).prepare()
    found = check(root, use="solos")
    assert found.passed and found.notes == {}
    assert found.to_dict()["sound"]["channels"] == {"1": 6}
    assert found.to_dict()["sound"]["side_mid_db"] is None


def test_the_settings_of_the_data_set_decide_what_is_checked(tiny_root: Path, list_clips: Callable[..., Path]) -> None:
    for part, names in (("train", ["000001"]), ("val", ["000002"]), ("test", ["000003"])):
        list_clips(part, names, split="mine")
    found = check(tiny_root, settings={"split": "mine"})
    assert [facts.id for facts in found.measured] == ["000001", "000002", "000003"]
    assert found.settings == {"root": str(tiny_root), "split": "mine"}


def test_what_cannot_be_checked_is_an_error(tiny_root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        check(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no audio that can be read"):
        check(tmp_path / "empty")
    with pytest.raises(PluginError, match=r"unknown dataset 'fairplai' \(did you mean 'fairplay'\?\)"):
        check(tiny_root, use="fairplai")
    with pytest.raises(RecipeError, match=r"--set splitt: no such key \(did you mean 'split'\?\)"):
        check(tiny_root, settings={"splitt": 2})
    with pytest.raises(DataError, match="no such split"):
        check(tiny_root, settings={"split": 7})
