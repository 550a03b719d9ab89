"""FAIR-Play's layout as it is met in the wild, and one clear message for everything that may be wrong with it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from avspatial.data.fairplay import FairPlay
from avspatial.data.layout import split_folder, split_ids, split_list
from avspatial.data.settings import FairPlaySettings
from avspatial.errors import DataError, MediaError
from avspatial.media.audio import write_wav

SHARED = Path(__file__).parents[2] / "../shared/media"

HOW = (
    "\n  Get FAIR-Play from https://github.com/facebookresearch/FAIR-Play (videos/, binaural_audios/ and splits/ in one"
    "\n  folder) and name that folder: --set data.root=DIR. To try avspatial without it, on simulated scenes:"
    "\n  avspatial run sagm_demo"
)


def fairplay(root: Path, **settings: Any) -> FairPlay:
    return FairPlay(FairPlaySettings(root=str(root), **settings), progress=lambda items, title: items)


def ids(dataset: FairPlay, part: str) -> list[str]:
    return [clip.id for clip in dataset.clips(part)]


def complaint(dataset: FairPlay, part: str = "train") -> str:
    with pytest.raises((DataError, MediaError)) as error:
        dataset.clips(part)
    assert error.value.exit_code == 2
    return str(error.value)


def test_clips_stand_in_the_order_of_their_list_whatever_the_prefix(tiny_root: Path) -> None:
    dataset = fairplay(tiny_root)
    assert ids(dataset, "train") == ["000002", "000001"]
    assert ids(dataset, "val") == ["000003"]
    clip = dataset.clips("test")[0]
    assert clip.audio == tiny_root / "binaural_audios" / "000004.wav"
    assert clip.video == tiny_root / "videos" / "000004.mp4"
    assert clip.recording == "000004"
    assert clip.truth is None


@pytest.mark.parametrize("ending", ["", "\n"])
def test_text_lists_as_pseudobinaural_publishes_them(tiny_root: Path, tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "clean" / "split3"
    folder.mkdir(parents=True)
    for part, names in (("train", ["000003", "000001"]), ("val", ["000002"]), ("test", ["000004"])):
        (folder / f"{part}.txt").write_text("\n".join(f"{name}.mp3" for name in names) + ending)
    assert ids(fairplay(tiny_root, split=str(folder)), "train") == ["000003", "000001"]


def test_a_split_is_a_number_or_a_name_or_a_path(tiny_root: Path) -> None:
    shutil.copytree(tiny_root / "splits" / "split1", tiny_root / "splits" / "clean")
    by = [1, "1", "split1", "clean", str(tiny_root / "splits" / "clean")]
    assert [ids(fairplay(tiny_root, split=split), "val") for split in by] == [["000003"]] * 5


@pytest.mark.parametrize("folder", ["{}.mp4", "{}"])
def test_folders_of_frames_instead_of_videos(tiny_root: Path, folder: str) -> None:
    shutil.rmtree(tiny_root / "videos")
    for name in ("000001", "000002"):
        frames = tiny_root / "frames" / folder.format(name)
        frames.mkdir(parents=True)
        for number in range(1, 17):
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(frames / f"{number:06d}.png")
    clips = fairplay(tiny_root, pictures="frames", frames_fps=8).clips("train")
    assert [clip.video.name for clip in clips] == [folder.format("000002"), folder.format("000001")]
    assert [clip.frames_fps for clip in clips] == [8, 8]


def test_checking_shows_itself(tiny_root: Path, shown: Any) -> None:
    FairPlay(FairPlaySettings(root=str(tiny_root)), progress=shown).clips("train")
    assert shown.bars == [("Checking train clips", 2)]


def test_the_fingerprint_is_of_the_data_not_of_its_place(tiny_root: Path, tmp_path: Path, add_clip: Callable) -> None:
    before = fairplay(tiny_root).fingerprint()
    shutil.copytree(tiny_root, tmp_path / "copy")
    assert fairplay(tmp_path / "copy").fingerprint() == before
    add_clip("000001", seconds=1.5)
    assert fairplay(tiny_root).fingerprint() != before


def test_missing_data_root(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        fairplay(tmp_path / "gone")
    assert str(error.value) == f"{tmp_path}/gone: the data root is not there{HOW}"


def test_a_root_without_its_folders(tmp_path: Path) -> None:
    assert complaint(fairplay(tmp_path)) == (f"{tmp_path}: no binaural_audios/ and no videos/ in the data root{HOW}")


def test_unknown_split(tiny_root: Path) -> None:
    assert complaint(fairplay(tiny_root, split=7)) == (
        f"{tiny_root}/splits/split7: no such split\n"
        "  There are split1. The path of another folder will do as well, or clean1 to clean5."
    )
    shutil.rmtree(tiny_root / "splits")
    assert complaint(fairplay(tiny_root)) == (
        f"{tiny_root}/splits/split1: no such split\n"
        f"  There is no split in {tiny_root}/splits. The path of another folder will do as well, or clean1 to clean5."
    )


def test_a_split_without_one_of_its_lists(tiny_root: Path) -> None:
    (tiny_root / "splits/split1/val.h5").unlink()
    assert complaint(fairplay(tiny_root)) == (
        f"{tiny_root}/splits/split1: the split has no list of its val part\n  Add val.h5 or val.txt."
    )


def test_empty_split(tiny_root: Path, list_clips: Callable) -> None:
    path = list_clips("val", [])
    assert complaint(fairplay(tiny_root), "val") == (
        f"{path}: an empty split: it lists no clip\n  List a clip, or choose another split."
    )


def test_a_list_that_names_a_clip_twice(tiny_root: Path, list_clips: Callable) -> None:
    path = list_clips("train", ["000001", "000002", "000001"])
    assert complaint(fairplay(tiny_root)) == f"{path}: lists 000001 more than once\n  List every clip once."


def test_a_list_that_is_no_h5_file(tiny_root: Path) -> None:
    path = tiny_root / "splits/split1/train.h5"
    path.write_text("version https://git-lfs.github.com/spec/v1")
    assert complaint(fairplay(tiny_root)) == (
        f"{path}: not a FAIR-Play split: it needs a data set `audio` of byte strings\n  Copy it again."
    )


def test_a_list_that_is_no_text(tiny_root: Path) -> None:
    (tiny_root / "splits/split1/train.h5").unlink()
    path = tiny_root / "splits/split1/train.txt"
    path.write_bytes(b"\xff\xfe\x00")
    assert complaint(fairplay(tiny_root)) == (
        f"{path}: not a readable list of clips\n  Write one clip a line, in UTF-8."
    )


def test_a_split_naming_missing_clips(tiny_root: Path, list_clips: Callable) -> None:
    path = list_clips("train", ["000001", "001158", "001159"])
    assert complaint(fairplay(tiny_root)) == (
        f"{path}: 2 of its 3 clips are not complete; missing: {tiny_root}/binaural_audios/001158.wav, "
        f"{tiny_root}/videos/001158.mp4, {tiny_root}/binaural_audios/001159.wav and 1 more\n"
        "  Copy the missing files there, or choose a split whose clips are complete."
    )


@pytest.mark.parametrize(("channels", "kind"), [(1, "mono"), (4, "4 channels")])
def test_a_wav_that_is_not_stereo(tiny_root: Path, channels: int, kind: str) -> None:
    wav = tiny_root / "binaural_audios/000002.wav"
    write_wav(wav, np.zeros((channels, 96000), np.float32), 48000)
    assert complaint(fairplay(tiny_root)) == (
        f"{wav}: {kind} where stereo is needed\n  Take the binaural recording of this clip."
    )


def test_a_wav_whose_rate_is_too_low(tiny_root: Path) -> None:
    wav = tiny_root / "binaural_audios/000002.wav"
    write_wav(wav, np.zeros((2, 12000), np.float32), 6000)
    assert complaint(fairplay(tiny_root)) == (
        f"{wav}: sampled at 6000 Hz; at least 8000 Hz is needed\n"
        "  Take the original recording; any higher rate is resampled."
    )


def test_a_wav_that_cannot_be_read(tiny_root: Path) -> None:
    wav = tiny_root / "binaural_audios/000002.wav"
    wav.write_bytes(wav.read_bytes()[:10])
    assert complaint(fairplay(tiny_root)).startswith(f"{wav}: not a readable audio file (")


def test_sound_and_pictures_of_unequal_length(tiny_root: Path) -> None:
    samples, rate = soundfile.read(tiny_root / "binaural_audios/000002.wav")
    soundfile.write(tiny_root / "binaural_audios/000002.wav", samples[: rate // 2], rate)
    assert complaint(fairplay(tiny_root)) == (
        f"{tiny_root}/videos/000002.mp4: clip 000002: 0.50 s of audio but 2.00 s of video\n"
        "  Copy both again, leave the clip out, or raise data.length_tolerance (now 1 s)."
    )
    assert ids(fairplay(tiny_root, length_tolerance=2), "train") == ["000002", "000001"]


def test_a_truncated_video(tiny_root: Path) -> None:
    video = tiny_root / "videos/000002.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert complaint(fairplay(tiny_root)) == (
        f"{video}: not a readable video (Invalid data found when processing input); it is damaged or cut short\n"
        "  Copy or download it again."
    )


def test_lists_that_share_clips(tiny_root: Path, list_clips: Callable) -> None:
    list_clips("test", ["000001", "000004"])
    assert complaint(fairplay(tiny_root), "val") == (
        f"{tiny_root}/splits/split1: the train and test lists share 1 of their clips, 000001 for one\n"
        "  Scores on training clips mean nothing: correct the lists. To try out: --set data.overlap=allow."
    )
    assert ids(fairplay(tiny_root, overlap="allow"), "test") == ["000001", "000004"]


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/media is not there")
def test_the_real_clip() -> None:
    clip = fairplay(SHARED / "FAIR-Play", overlap="allow").clips("test")[0]
    assert clip.id == "000001"
    assert soundfile.info(clip.audio).frames == 480_256


@pytest.mark.parametrize("split", [f"clean{number}" for number in range(1, 6)])
def test_the_packaged_scene_disjoint_splits(tiny_root: Path, split: str) -> None:
    """1,497, 187 and 187 of the 1,871 clips, none of them in two parts."""
    dataset = fairplay(tiny_root, split=split)
    dataset.prepare()
    lists = [split_ids(split_list(split_folder(tiny_root, split), part)) for part in ("train", "val", "test")]
    assert [len(names) for names in lists] == [1497, 187, 187]
    assert sorted(name for names in lists for name in names) == [f"{number:06d}" for number in range(1, 1872)]
    assert complaint(dataset).startswith(f"{split_folder(tiny_root, split)}/train.txt: 149")


def test_the_test_lists_of_the_clean_splits_overlap() -> None:
    tests = [split_ids(split_list(split_folder(Path(), f"clean{number}"), "test")) for number in range(1, 6)]
    assert len(set().union(*tests)) == 585


def test_a_folder_of_the_data_root_comes_before_a_packaged_split(tiny_root: Path) -> None:
    shutil.copytree(tiny_root / "splits" / "split1", tiny_root / "splits" / "clean2")
    assert ids(fairplay(tiny_root, split="clean2"), "val") == ["000003"]


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/media is not there")
@pytest.mark.parametrize("part", ["train", "val", "test"])
@pytest.mark.parametrize("number", range(1, 6))
def test_the_packaged_splits_are_the_published_ones(number: int, part: str) -> None:
    published = SHARED / f"fairplay_clean_splits/split{number}/{part}.txt"
    assert split_ids(split_list(split_folder(Path(), f"clean{number}"), part)) == split_ids(published)
