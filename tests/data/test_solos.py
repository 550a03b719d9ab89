"""Solos: videos with mono audio, in splits that the names decide."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import avspatial
from avspatial.data.clip_cache import ClipStore
from avspatial.data.settings import SolosSettings
from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.data.solos import Solos
from avspatial.errors import DataError
from avspatial.framing import Window
from avspatial.media.audio import audio_info, read_audio, write_wav
from avspatial.progress import silent

PARTS = ("train", "val", "test")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rendered") / "solos"
    settings = SimulatedSettings(root=root, clips=8, seconds=0.5, picture=(32, 64), sources=(1, 1), solos=True)
    SimulatedScenes(settings, progress=silent).prepare()
    return root


@pytest.fixture
def root(rendered: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(rendered, tmp_path / "solos"))


def solos(root: Path, **settings: object) -> Solos:
    return Solos(SolosSettings.model_validate({"root": str(root), **settings}), progress=silent)


def ids(dataset: Solos) -> dict[str, list[str]]:
    return {part: [clip.id for clip in dataset.clips(part)] for part in PARTS}


def refusal(root: Path, **settings: object) -> str:
    with pytest.raises(DataError) as error:
        for part in PARTS:
            solos(root, **settings).clips(part)
    return str(error.value).replace(str(root), "ROOT")


def test_simulated_solos_are_mono_and_lie_by_instrument(rendered: Path) -> None:
    sounds = sorted(rendered.glob("*/*.wav"))
    assert len(sounds) == len(list(rendered.glob("*/*.mp4"))) == 8
    assert {audio_info(sound).channels for sound in sounds} == {1}
    assert {sound.parent.name for sound in sounds} <= {"plucked", "blown", "bar", "drum", "voice"}
    assert all(0.03 < np.sqrt(np.mean(read_audio(sound)[0] ** 2)) < 0.09 for sound in sounds)


def test_each_video_is_in_one_split(rendered: Path) -> None:
    found = ids(solos(rendered, shares=[0.5, 0.25, 0.25]))
    assert {part: len(names) for part, names in found.items()} == {"train": 4, "val": 2, "test": 2}
    expected = {sound.relative_to(rendered).with_suffix("").as_posix() for sound in rendered.glob("*/*.wav")}
    assert {name for names in found.values() for name in names} == expected


def test_the_place_on_the_disk_decides_nothing(rendered: Path, root: Path) -> None:
    assert ids(solos(rendered)) == ids(solos(root))
    assert solos(rendered).fingerprint() == solos(root).fingerprint()


def test_a_flat_folder_will_do(root: Path) -> None:
    for file in root.glob("*/0*"):
        file.rename(root / file.name)
    assert sorted(name for names in ids(solos(root)).values() for name in names) == [f"{n:06d}" for n in range(1, 9)]


def test_the_simulated_data_set_reads_them_alike(rendered: Path) -> None:
    settings = SimulatedSettings(root=rendered, clips=8, seconds=0.5, picture=(32, 64), sources=(1, 1), solos=True)
    simulated = SimulatedScenes(settings, progress=silent)
    assert simulated.clips("train") == solos(rendered, shares=[0.7, 0.1, 0.2]).clips("train")


def test_the_store_gives_one_sound_to_both_ears(root: Path, tmp_path: Path) -> None:
    """Sound of two channels becomes their mean: a solo is mono whatever its file."""
    clip = solos(root).clips("train")[0]
    mono, rate = read_audio(clip.audio)
    write_wav(clip.audio, np.concatenate([mono * 1.5, mono * 0.5]), rate)
    recording = ClipStore(Window(rate=rate, picture=(32, 64)), silent, tmp_path / "cache").load(clip)
    np.testing.assert_allclose(recording.audio, np.repeat(mono, 2, 0), atol=1e-6)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nothing") == (
        f"{tmp_path}/nothing: no such folder of solos\n"
        "  Name one: ROOT/INSTRUMENT/NAME.mp4, and NAME.wav in the same folder."
    ).replace(str(tmp_path / "nothing"), "ROOT")


def test_too_few_videos(root: Path) -> None:
    for file in sorted(root.glob("*/*.mp4"))[2:]:
        file.unlink()
    assert refusal(root) == (
        "ROOT: 2 videos with audio, too few for three splits of the shares [0.8, 0.1, 0.1]\n"
        "  Add videos: ROOT/INSTRUMENT/NAME.mp4, and NAME.wav in the same folder."
    )


def test_a_video_without_sound(root: Path) -> None:
    sound = min(root.glob("*/*.wav"))
    sound.unlink()
    assert refusal(root) == (
        f"ROOT/{sound.parent.name}: 1 of 8 videos have no audio file of their name, such as {sound.stem}.mp4\n"
        f"  Take it out of the video: ffmpeg -i ROOT/{sound.parent.name}/{sound.stem}.mp4 "
        f"ROOT/{sound.parent.name}/{sound.stem}.wav"
    )


def test_sound_of_another_length(root: Path) -> None:
    sound = min(root.glob("*/*.wav"))
    write_wav(sound, np.zeros((1, 3 * 48_000)) + 0.1, 48_000)
    id = f"{sound.parent.name}/{sound.stem}"
    assert refusal(root) == (
        f"ROOT/{id}.mp4: clip {id}: 3.00 s of audio but 0.50 s of video\n"
        "  Create the audio file again, leave the clip out, or raise length_tolerance (now 1 s)."
    )
    assert sum(map(len, ids(solos(root, length_tolerance=3)).values())) == 8


def test_mono_clips_are_no_data_of_a_recipe(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    settings = "clips: 8, seconds: 0.5, picture: [32, 64], sources: [1, 1], solos: true, shares: [0.8, 0.1, 0.1]"
    data = f"data={{use: simulated, root: {tmp_path / 'scenes'}, {settings}}}"
    first = solos(rendered).clips("train")[0].id
    with pytest.raises(DataError) as error:
        avspatial.run("mono2binaural_demo", overrides=[data], runs=tmp_path / "runs", device="cpu", progress=silent)
    assert str(error.value) == (
        f"data: clip {first} is mono: there are no sides in it to learn or to score\n"
        "  Take a stereo data set; one of mono clips is for the settings of a trainer that names it."
    )
    assert not (tmp_path / "runs").exists()


def test_a_solo_has_one_source() -> None:
    with pytest.raises(ValueError, match=r"a solo has one source: set sources \[1, 1\], not \[1, 2\]"):
        SimulatedSettings(solos=True)
