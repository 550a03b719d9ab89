"""A folder of stereo videos: cut, screened, and split so that no recording stands in two splits."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from support.films import moving, noise, write_film

from avspatial.data.clip_cache import ClipStore
from avspatial.data.folder import Folder
from avspatial.data.settings import FolderSettings
from avspatial.data.video_files import find_videos
from avspatial.errors import DataError
from avspatial.framing import Window
from avspatial.interfaces import Clip
from avspatial.media.audio import audio_info, read_audio, write_wav
from avspatial.media.video import video_seconds, write_video
from avspatial.progress import silent

PARTS = ("train", "val", "test")
RATE = 48_000


def stereo(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise whose left channel is twice as loud."""
    sound = 0.1 * np.random.default_rng(seed).standard_normal((2, round(seconds * RATE)))
    return sound * [[0.8], [0.4]]


def write(path: Path, seconds: float = 2.0, sound: np.ndarray | None = None, images: Any = None, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = moving(round(seconds * 10), 32, 48) if images is None else images
    write_video(path, images, 10, stereo(seconds, seed) if sound is None else sound, RATE)
    return path


def write_wav_file(path: Path, sound: np.ndarray, rate: int = RATE) -> Path:
    write_wav(path, sound, rate)
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five songs, of 2.0 to 2.4 s."""
    root = tmp_path_factory.mktemp("written") / "videos"
    for number in range(5):
        write(root / "concert" / f"song {number}.mp4", 2 + number / 10, seed=number)
    return root


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(written, tmp_path / "videos"))


def folder(root: Path, **options: Any) -> Folder:
    return Folder(FolderSettings.model_validate({"root": str(root), "seconds": 1, **options}), progress=silent)


def all_clips(dataset: Folder) -> list[Clip]:
    return [clip for part in PARTS for clip in dataset.clips(part)]


def refusal(root: Path, **options: Any) -> str:
    with pytest.raises(DataError) as error:
        folder(root, **options).prepare()
    return str(error.value).replace(str(root.parent), "FOLDER")


def names(clips: Iterable[Clip]) -> list[str]:
    return [clip.id for clip in clips]


class TestClips:
    def test_every_video_is_cut_into_clips_of_one_length(self, root: Path) -> None:
        clips = sorted(all_clips(folder(root)), key=lambda clip: clip.id)
        assert names(clips) == [f"concert__song {n}_000{start}.0" for n in range(5) for start in range(2)]
        assert [(clip.start, clip.seconds, clip.recording) for clip in clips[2:4]] == [
            (0.0, 1.0, "concert/song 1"),
            (1.0, 1.0, "concert/song 1"),
        ]

    def test_a_hop_below_the_length_lets_clips_overlap(self, root: Path) -> None:
        clips = [clip for clip in all_clips(folder(root, hop=0.5)) if clip.recording == "concert/song 4"]
        assert [clip.start for clip in clips] == [0.0, 0.5, 1.0]

    def test_a_clip_holds_its_part_of_the_video(self, root: Path, cache: Path) -> None:
        clip = next(clip for clip in all_clips(folder(root)) if clip.id == "concert__song 3_0001.0")
        recording = ClipStore(Window(rate=RATE, fps=10, picture=(32, 48)), silent, cache).load(clip)
        entire, _ = read_audio(root / "concert" / "song 3.mp4")
        np.testing.assert_allclose(recording.audio, entire[:, RATE : 2 * RATE], atol=1e-6)
        square = np.array([np.flatnonzero(image[20, :, 0] > 170).mean() for image in recording.images])
        number = np.arange(10, 20)  # of 23 images, in which it moves from 7.5 to 39.5
        np.testing.assert_allclose(square, 7.5 + 32 * number / 22, atol=1.5)

    def test_an_audio_file_next_to_a_video_replaces_its_own_sound(self, root: Path) -> None:
        write_wav_file(root / "concert" / "song 1.wav", stereo(2.1, seed=9))
        shutil.copy(root / "concert" / "song 1.wav", root / "concert" / "song 1.aif")
        (clip,) = [clip for clip in all_clips(folder(root)) if clip.id == "concert__song 1_0001.0"]
        assert clip.audio.name == "song 1.wav" and clip.video.name == "song 1.mp4"

    def test_a_file_that_is_barely_too_short_gives_its_clip(self, root: Path) -> None:
        """Files cut to a round length often lack a frame: the clip ends with its file."""
        clips = all_clips(folder(root, seconds=2.03, splits=csv(root, ["concert/song 0.mp4,train"], fill=True)))
        (clip,) = [clip for clip in clips if clip.recording == "concert/song 0"]
        assert clip.seconds == pytest.approx(2.0, abs=0.03)

    def test_a_video_is_screened_clip_by_clip(self, root: Path) -> None:
        sound = stereo(2.0)
        sound[:, :RATE] = 0
        write_wav_file(write(root / "late.mp4").with_suffix(".wav"), sound)
        assert dict(folder(root).left_out()) == {"late_0000.0": "silent: below -60 dBFS"}

    def test_another_length_is_cut_anew(self, root: Path) -> None:
        assert len(all_clips(folder(root))) == 10
        assert len(all_clips(folder(root, seconds=0.5))) == 20
        assert len(all_clips(folder(root, seconds=0.5, hop=1))) == 10

    def test_audio_that_ends_before_its_header_says_ends_the_last_clip(self, root: Path, cache: Path) -> None:
        """Matroska states the length of a track in a tag, as text."""
        early = write_film(root / "early.mkv", seconds=2.4, sound=noise(round(2.1 * RATE), 2), audio="flac")
        early.write_bytes(re.sub(rb"00:00:02\.1\d{8}", b"00:00:02.400000000", early.read_bytes()))
        assert audio_info(early).seconds == pytest.approx(2.4, abs=0.01)
        for seconds, starts in ((1.2, [0.0]), (1.05, [0.0, 1.05])):
            dataset = folder(root, seconds=seconds)
            clips = [clip for clip in all_clips(dataset) if clip.video == early]
            assert [clip.start for clip in clips] == starts and not dataset.left_out()
            ClipStore(Window(picture=(32, 48)), silent, cache).prepare(clips)

    def test_a_live_recording_whose_header_states_no_length(self, root: Path) -> None:
        film, live = str(root / "concert" / "song 4.mp4"), str(root / "live.mkv")
        with av.open(film) as source, av.open(live, "w", options={"live": "1"}) as target:
            copies = [target.add_stream_from_template(stream) for stream in source.streams]
            for packet in source.demux():
                if packet.size:
                    packet.stream = copies[packet.stream_index]
                    target.mux(packet)
        assert video_seconds(root / "live.mkv") == 0
        dataset = folder(root)
        assert [clip.start for clip in all_clips(dataset) if clip.video.name == "live.mkv"] == [0.0, 1.0]
        assert not dataset.left_out()


class TestSplits:
    def test_every_recording_is_in_one_split_and_every_split_has_one(self, root: Path) -> None:
        dataset = folder(root, shares=(0.6, 0.2, 0.2))
        recordings = [{clip.recording for clip in dataset.clips(part)} for part in PARTS]
        assert [len(found) for found in recordings] == [3, 1, 1]
        assert len(set().union(*recordings)) == 5

    def test_the_place_on_the_disk_decides_nothing(self, written: Path, root: Path) -> None:
        here, there = folder(written), folder(root)
        assert [names(here.clips(part)) for part in PARTS] == [names(there.clips(part)) for part in PARTS]
        assert here.fingerprint() == there.fingerprint()

    def test_equal_files_are_one_recording(self, root: Path) -> None:
        for number in range(6):
            shutil.copy(root / "concert" / "song 0.mp4", root / f"copy {number}.mp4")
        clips = {part: folder(root).clips(part) for part in PARTS}
        (part,) = [part for part in PARTS if any(clip.recording == "concert/song 0" for clip in clips[part])]
        same = [clip.id for clip in clips[part] if clip.recording == "concert/song 0"]
        assert len(same) == 14  # two clips of each of the seven

    def test_videos_with_one_sound_are_one_recording(self, root: Path) -> None:
        sound = write_wav_file(root / "concert" / "song 0.wav", stereo(2.0, seed=7))
        for number in (1, 2):
            shutil.copy(sound, root / "concert" / f"song {number}.wav")
        recordings = {clip.recording for clip in all_clips(folder(root))}
        assert recordings == {"concert/song 0", "concert/song 3", "concert/song 4"}

    def test_an_unknown_split_is_refused(self, root: Path) -> None:
        with pytest.raises(DataError, match="there is no split 'train2'"):
            folder(root).clips("train2")


def csv(root: Path, rows: Iterable[str], head: str = "file,split", *, fill: bool = False) -> str:
    """A csv of splits; `fill` adds the songs 1 to 4, so that no split is empty."""
    filled = [f"concert/song {number}.mp4,{PARTS[number % 3]}" for number in range(1, 5)] if fill else []
    path = root.parent / "splits.csv"
    path.write_text("\n".join([head, *rows, *filled]) + "\n", encoding="utf-8")
    return str(path)


class TestACsv:
    def test_it_decides_on_splits_parts_and_recordings(self, root: Path) -> None:
        rows = [
            "concert/song 0.mp4,train,1.0,,evening",
            "concert/song 1.mp4,train,,1,evening",
            "concert/song 2.mp4,val,0.2,1.3,",
            "concert/song 3.mp4,test,,,",
        ]
        dataset = folder(root, splits=csv(root, rows, "file,split,start,end,recording"))
        found = {part: [(clip.id, clip.recording) for clip in dataset.clips(part)] for part in PARTS}
        assert found == {
            "train": [("concert__song 0_0001.0", "evening"), ("concert__song 1_0000.0", "evening")],
            "val": [("concert__song 2_0000.2", "concert/song 2")],
            "test": [("concert__song 3_0000.0", "concert/song 3"), ("concert__song 3_0001.0", "concert/song 3")],
        }
        assert dataset.left_out() == {"concert/song 4.mp4": "not listed in the csv"}

    def test_parts_that_give_no_clip_are_left_out(self, root: Path) -> None:
        rows = ["concert/song 0.mp4,train,0,0.5", "concert/song 0.mp4,train,0.6,7", "concert/song 0.mp4,train,7.5,8"]
        rows += [f"concert/song {number}.mp4,{part},," for number, part in enumerate(PARTS, 1)]
        dataset = folder(root, splits=csv(root, rows[:2] + rows[3:], "file,split,start,end"))
        assert dataset.left_out() == {
            "concert/song 0.mp4 from 0 s": "shorter than 1 s",
            "concert/song 0.mp4 from 0.6 s": "ends before the csv says: 2.00 s",
            "concert/song 4.mp4": "not listed in the csv",
        }

    def test_equal_files_in_two_splits_are_refused(self, root: Path) -> None:
        shutil.copy(root / "concert" / "song 0.mp4", root / "copy.mp4")
        rows = ["concert/song 0.mp4,train", "copy.mp4,test"]
        assert refusal(root, splits=csv(root, rows, fill=True)) == (
            "FOLDER/splits.csv:3: column split: the content of concert/song 0.mp4 is in test here, "
            "but in train in FOLDER/splits.csv:2\n"
            "  Scores on what was trained with mean nothing: put everything of a recording into one split."
        )

    def test_a_video_that_is_hidden_is_refused(self, root: Path) -> None:
        shutil.copy(root / "concert" / "song 0.mp4", root / ".song.mp4")
        assert refusal(root, splits=csv(root, [".song.mp4,train"], fill=True)) == (
            "FOLDER/splits.csv:2: column file: .song.mp4 is none of the videos below FOLDER/videos\n"
            "  Name a video that is not hidden nor behind a link."
        )

    def test_a_split_without_a_line_is_refused(self, root: Path) -> None:
        message = refusal(root, splits=csv(root, ["concert/song 0.mp4,train", "concert/song 1.mp4,test"]))
        assert message.startswith(
            "FOLDER/videos: no clip for the val split: 2 recordings can be used; left out 3:\n    3 x not listed in"
        )


def spoil(root: Path) -> dict[str, str]:
    """Add files from which nothing can be learned -> the reason for each."""
    one = noise(2 * RATE)
    write(root / "mono.mp4", sound=np.repeat(one, 2, 0))
    write(root / "one channel.mp4", sound=one)
    write(root / "silent.mp4", sound=np.zeros((2, 2 * RATE)))
    write(root / "still.mp4", images=moving(1, 32, 48) * 20)
    write(root / "short.mp4", seconds=0.5)
    write(root / "lengths.mp4", seconds=2.0, sound=stereo(4.0))
    write_wav_file(write(root / "dead.mp4").with_suffix(".wav"), stereo(2.0) * [[1.0], [0.0]])
    write_wav_file(write(root / "four.mp4").with_suffix(".wav"), noise(2 * RATE, 4))
    write_wav_file(write(root / "low.mp4").with_suffix(".wav"), stereo(2.0)[:, ::12], 4000)
    write_film(root / "six.mp4", sound=noise(2 * RATE, 6), seconds=2.0)
    write_film(root / "no sound.mkv", audio=None)
    write_film(root / "no picture.mkv", video=None)
    (root / "empty.mp4").touch()
    (root / "text.mkv").write_text("no film " * 99)
    (root / "old.mpg").write_bytes(b"\0\0\1\xba")
    (root / "gone.mp4").symlink_to(root / "nowhere.mp4")
    os.mkfifo(root / "pipe.mp4")
    data = write(root / "cut.mkv", seconds=4.0).read_bytes()
    (root / "cut.mkv").write_bytes(data[: len(data) * 6 // 10])
    write_film(root / "concert" / "song 1.webm", video="libvpx", audio="libopus")
    return {
        "mono_0000.0": "mono",
        "mono_0001.0": "mono",
        "one channel.mp4": "mono: one channel",
        "silent_0000.0": "silent: below -60 dBFS",
        "silent_0001.0": "silent: below -60 dBFS",
        "still_0000.0": "its images stand still",
        "still_0001.0": "its images stand still",
        "short.mp4": "shorter than 1 s",
        "lengths.mp4": "lengths differ: 4.0",
        "dead_0000.0": "its right channel is dead",
        "dead_0001.0": "its right channel is dead",
        "four.mp4": "4 channels: if they are ambisonic audio of a 360-degree video, `use: foa360` reads them",
        "low.mp4": "sampled below 8000 Hz",
        "six.mp4": "6 channels: mix them down to stereo",
        "no sound.mkv": "no audio, neither inside nor in a file of its name",
        "no picture.mkv": "no video, only audio",
        "empty.mp4": "not readable: not a video: an empty file",
        "text.mkv": "not readable: not a readable video",
        "old.mpg": ".mpg files are not read: ffmpeg puts them into mp4",
        "gone.mp4": "not readable: No such file or directory",
        "pipe.mp4": "not readable: not a regular file",
        "cut.mkv": "not readable: ",
        "concert/song 1.webm": "another video of its name: concert/song 1.mp4",
    }


class TestWhatIsLeftOut:
    def test_everything_is_named_with_its_reason_and_the_rest_is_used(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        expected = spoil(root)
        dataset = folder(root)
        dataset.prepare()
        found = dict(dataset.left_out())
        assert found.keys() == expected.keys()
        assert {name: why for name, why in found.items() if not why.startswith(expected[name])} == {}
        assert {clip.recording for clip in all_clips(dataset)} == {f"concert/song {number}" for number in range(5)}
        note = capsys.readouterr().err.replace(str(root), "ROOT")
        assert note.startswith(f"note: ROOT: left out {len(expected)}:\n  5 x not readable (")
        for line in (
            "3 x mono (mono_0000.0, mono_0001.0, one channel.mp4)",
            "2 x silent: below -60 dBFS (silent_0000.0, silent_0001.0)",
            "1 x no video, only audio (no picture.mkv)",
        ):
            assert f"\n  {line}\n" in note

    def test_one_note_is_printed_however_often_the_data_is_prepared(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "empty.mp4").touch()
        dataset = folder(root)
        for _ in range(2):
            dataset.prepare()
        assert capsys.readouterr().err.count("note:") == 1
        (root / "empty.mp4").unlink()
        folder(root).prepare()
        assert capsys.readouterr().err == ""

    def test_thresholds_are_settings(self, root: Path) -> None:
        write(root / "still.mp4", images=moving(1, 32, 48) * 20, seed=8)
        assert set(folder(root).left_out().values()) == {"its images stand still"}
        assert not folder(root, screening={"still": 0}).left_out()
        assert "12 x its right channel is dead (" in refusal(root, screening={"still": 0, "dead": 1})

    @pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
    def test_a_damaged_file_is_no_stop(self, root: Path, place: float) -> None:
        data = bytearray((root / "concert" / "song 2.mp4").read_bytes())
        first = round(len(data) * place)
        data[first : first + 900] = np.random.default_rng(0).bytes(900)
        (root / "concert" / "song 2.mp4").write_bytes(data)
        dataset = folder(root)
        used = {clip.recording for clip in all_clips(dataset)}
        assert ("concert/song 2" in used) != ("concert/song 2.mp4" in dataset.left_out())
        assert len(used) >= 4

    def test_a_split_of_which_nothing_remains(self, root: Path) -> None:
        for number in (2, 3, 4):
            (root / "concert" / f"song {number}.mp4").write_bytes(b"")
        assert refusal(root) == (
            "FOLDER/videos: no clip for the train split: 2 recordings can be used; left out 3:\n"
            "    3 x not readable: not a video: an empty file "
            "(concert/song 2.mp4, concert/song 3.mp4, concert/song 4.mp4)\n"
            "  Each split needs a recording of its own, so three videos at least. Add videos, shorten the clips "
            "(data.seconds),\n"
            "  change what is left out (data.screening), or list files and splits in a csv (data.splits)."
        )

    def test_too_few_recordings(self, root: Path) -> None:
        for number in (2, 3, 4):
            (root / "concert" / f"song {number}.mp4").unlink()
        assert refusal(root).splitlines()[0] == "FOLDER/videos: no clip for the train split: 2 recordings can be used"

    def test_a_folder_without_videos(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        assert refusal(tmp_path / "empty").startswith("FOLDER/empty: holds no video\n")

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "nothing") == (
            "FOLDER/nothing: the data root is not there\n  Name a folder of videos: --set data.root=DIR."
        )


class TestTheSecondRun:
    def test_it_opens_no_file_whatever_the_thresholds(self, root: Path) -> None:
        """Files are known by size, time and place: what they hold now is not read."""
        expected = [names(folder(root).clips(part)) for part in PARTS]
        for file in root.rglob("*.mp4"):
            stat = file.stat()
            file.write_bytes(bytes(stat.st_size))
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        assert [names(folder(root).clips(part)) for part in PARTS] == expected
        assert "10 x its right channel is dead (" in refusal(root, screening={"dead": 1})

    def test_a_changed_file_is_screened_again(self, root: Path) -> None:
        assert not folder(root).left_out()
        write(root / "concert" / "song 1.mp4", sound=np.zeros((2, 2 * RATE)))
        assert set(folder(root).left_out().values()) == {"silent: below -60 dBFS"}

    def test_a_file_that_was_damaged_is_not_decoded_again(self, root: Path, cache: Path) -> None:
        (root / "text.mkv").write_text("no film " * 99)
        before = folder(root).left_out()
        notes = {path: path.stat().st_mtime_ns for path in (cache / "screening").iterdir()}
        assert len(notes) == 6 and folder(root).left_out() == before
        assert {path: path.stat().st_mtime_ns for path in (cache / "screening").iterdir()} == notes


class TestTruth:
    def test_a_csv_gives_clips_their_directions(self, root: Path) -> None:
        table = root.parent / "directions.csv"
        table.write_text("clip,azimuth\nconcert__song 1_0001.0,30\n")
        clips = {clip.id: clip for clip in all_clips(folder(root, truth=str(table)))}
        truth = clips["concert__song 1_0001.0"].truth
        assert truth is not None and set(truth.azimuth.ravel()) == {30.0}
        assert clips["concert__song 1_0000.0"].truth is None
        before = folder(root, truth=str(table)).fingerprint()
        table.write_text("clip,azimuth\nconcert__song 1_0001.0,31\n")
        assert len({before, folder(root, truth=str(table)).fingerprint(), folder(root).fingerprint()}) == 3


class TestTheFingerprint:
    def test_it_depends_on_settings_list_sizes_and_csv_and_opens_no_file(self, tmp_path: Path) -> None:
        for number in range(3):
            path = tmp_path / "videos" / f"{number}.mp4"
            path.parent.mkdir(exist_ok=True)
            path.write_text("no video at all")
        root = tmp_path / "videos"
        prints = [folder(root).fingerprint(), folder(root, seconds=2).fingerprint()]
        prints.append(folder(root, screening={"side": 20}).fingerprint())
        for part in ("train", "test"):
            prints.append(folder(root, splits=csv(root, [f"{n}.mp4,{part}" for n in range(3)])).fingerprint())
        (root / "0.mp4").write_text("no video at all!")
        prints.append(folder(root).fingerprint())
        (root / "3.mp4").write_text("one more")
        prints.append(folder(root).fingerprint())
        (root / "3.wav").write_text("sound")
        prints.append(folder(root).fingerprint())
        assert len(set(prints)) == len(prints) == 8


class TestListing:
    def test_ten_thousand_files_are_listed_in_seconds_without_opening_one(self, tmp_path: Path) -> None:
        for number in range(100):
            (tmp_path / f"{number}").mkdir()
            for video in range(100):
                (tmp_path / f"{number}" / f"{video}.mp4").touch()
        start = time.monotonic()
        videos, left_out = find_videos(tmp_path)
        assert time.monotonic() - start < 30
        assert len(videos) == len({video.name for video in videos}) == 10_000 and not left_out

    def test_hidden_files_and_links_are_no_second_recording(
        self, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "link").symlink_to(root / "concert")
        (root / "circle").symlink_to(root)
        (root / "concert" / ".song 0.mp4").touch()
        (root / ".trash").mkdir()
        (root / "again.mp4").symlink_to(root / "concert" / "song 0.mp4")
        (root / "self.mp4").symlink_to(root / "self.mp4")
        (tmp_path / "elsewhere.mp4").write_bytes((root / "concert" / "song 1.mp4").read_bytes() + b"\0\0\0\x08free")
        for name in ("outside.mp4", "outside again.mp4"):
            (root / name).symlink_to(tmp_path / "elsewhere.mp4")
        found = folder(root)
        names = [video.recording for video in find_videos(root)[0]]
        assert names == [*(f"concert/song {number}" for number in range(5)), "outside again"]
        assert {clip.recording for clip in all_clips(found)} == set(names)
        assert "read already under another name" in capsys.readouterr().err
        link = "a link to a video that is read under another name"
        left_out = dict(found.left_out())
        assert left_out.pop("self.mp4").startswith("not readable: ")
        assert left_out == {"again.mp4": f"{link}: song 0.mp4", "outside.mp4": f"{link}: elsewhere.mp4"}

    def test_a_link_is_read_if_the_csv_lists_it_alone(self, root: Path) -> None:
        (root / "again.mp4").symlink_to(root / "concert" / "song 0.mp4")
        assert [video.file for video in find_videos(root, ["again.mp4"])[0]] == ["again.mp4"]

    def test_names_become_ids_that_are_safe(self, tmp_path: Path) -> None:
        given = ["a/b.mp4", "a__b.mp4", "new\nline.mkv", "12:30 talk.MP4", f"{'long' * 60}.mov", "e\u0301.mp4"]
        for name in given:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        (tmp_path / os.fsdecode(b"latin \xe9.mp4")).touch()
        videos, left_out = find_videos(tmp_path)
        found = [video.name for video in videos]
        assert found[:3] == ["12:30 talk", "a__b", found[2]] and {"new_line", "\u00e9"} < set(found)
        assert len(found[2].encode()) <= 160
        assert left_out == {
            "a__b.mp4": "another video of its name: a/b.mp4",
            "latin \\udce9.mp4": "a name that is not in UTF-8",
        }


NAMES = ("a", "b", "a/b", "a__b", "c d", "c/d/e", "\u00e9", "z")
LENGTHS = st.sampled_from([0.1, 0.5, 0.7, 1.0, 1.9, 2.3])
HOPS = st.one_of(st.none(), LENGTHS)
SHARES = st.tuples(st.floats(0.05, 0.45), st.floats(0.05, 0.45)).map(lambda pair: (1 - sum(pair), *pair))
SPANS = st.sampled_from([[("", "")], [("", "1.0"), ("1.0", "")], [("0.4", "1.5")], [("0.4", "1.5"), ("1.5", "")]])
ROWS = st.lists(
    st.tuples(st.sampled_from(PARTS), SPANS, st.sampled_from(["", "", "", "", "", "", "b"])), min_size=5, max_size=5
)
FIVE = st.one_of(st.permutations(range(5)), st.lists(st.integers(0, 4), min_size=5, max_size=5))


class TestProperties:
    """Any names, contents, cuts and splits: no recording and no content stands in two splits."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        contents=st.dictionaries(st.sampled_from(NAMES), st.integers(0, 4), min_size=4),
        seconds=LENGTHS,
        hop=HOPS,
        shares=SHARES,
    )
    def test_split_by_digest(
        self,
        written: Path,
        tmp_path_factory: pytest.TempPathFactory,
        contents: dict[str, int],
        seconds: float,
        hop: float | None,
        shares: tuple[float, float, float],
    ) -> None:
        root = filled(tmp_path_factory.mktemp("any") / "videos", written, contents)
        check_honest(folder(root, seconds=seconds, hop=hop, shares=shares), hop or seconds)

    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(contents=FIVE, rows=ROWS, seconds=LENGTHS, hop=HOPS)
    @example([0, 1, 2, 0, 3], [(split, [("", "")], "") for split in (*PARTS, "test", "train")], 1.0, None)
    def test_split_by_a_csv(
        self,
        written: Path,
        tmp_path_factory: pytest.TempPathFactory,
        contents: list[int],
        rows: list[tuple[str, list[tuple[str, str]], str]],
        seconds: float,
        hop: float | None,
    ) -> None:
        root = filled(tmp_path_factory.mktemp("any") / "videos", written, dict(zip(NAMES, contents, strict=False)))
        lines = [
            f"{name}.mp4,{split},{start},{end},{recording}"
            for name, (split, spans, recording) in zip(NAMES, rows, strict=False)
            for start, end in spans
        ]
        splits = csv(root, lines, "file,split,start,end,recording")
        check_honest(folder(root, seconds=seconds, hop=hop, splits=splits), hop or seconds)


def filled(root: Path, written: Path, contents: dict[str, int]) -> Path:
    """A folder of copies of the songs."""
    for name, number in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(written / "concert" / f"song {number}.mp4", root / f"{name}.mp4")
    return root


def check_honest(dataset: Folder, hop: float) -> None:
    """No recording and no content is in two splits, ids are unique, clips of a file overlap only with a short hop.

    Or the data is refused, with a reason.
    """
    try:
        clips = {part: dataset.clips(part) for part in PARTS}
    except DataError as error:
        event(f"refused: {error.what[:20]}")
        assert error.what and error.fix
        return
    event("used")
    assert all(clips.values())
    for key in (
        lambda clip: clip.recording,
        lambda clip: clip.video.read_bytes(),
        lambda clip: clip.audio.read_bytes(),
    ):
        splits = splits_of(clips, key)
        assert {name: parts for name, parts in splits.items() if len(parts) > 1} == {}
    ids = [clip.id for found in clips.values() for clip in found]
    assert len(set(ids)) == len(ids)
    assert all("/" not in id and not id.startswith(".") and len(id.encode()) < 200 for id in ids)
    for found in clips.values():
        ordered = sorted(found, key=lambda clip: (clip.video, clip.start))
        for before, after in pairwise(ordered):
            if before.video == after.video:
                assert after.start - before.start >= min(hop, before.seconds or 0) - 1e-6
                assert hop < (before.seconds or 0) or after.start >= before.start + (before.seconds or 0) - 1e-6


def splits_of(clips: dict[str, list[Clip]], key: Callable[[Clip], Any]) -> dict[Any, set[str]]:
    found: dict[Any, set[str]] = {}
    for part, members in clips.items():
        for clip in members:
            found.setdefault(key(clip), set()).add(part)
    return found
