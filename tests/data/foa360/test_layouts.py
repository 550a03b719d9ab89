"""Which files below a folder are the audio and the video of one recording."""

import time

import pytest

from avspatial.data.foa360.layouts import find_sources, video_id
from avspatial.errors import DataError

SHORT, LONG = "CBMUhxJC6TU", "V_To4k9AJXc"


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root, layout="auto"):
    """{name: (recording, audio, video)} with paths below the root."""
    sources, left_out = find_sources(root, layout)
    assert left_out == {}
    return {
        one.name: (one.recording, *(path.relative_to(root).as_posix() for path in (one.audio, one.video)))
        for one in sources
    }


def test_one_file_with_both(tmp_path):
    touch(tmp_path, "a.mkv", "concert/b.mp4", "notes.txt", ".hidden.mp4")
    assert found(tmp_path) == {
        "a": ("a", "a.mkv", "a.mkv"),
        "concert/b": ("concert/b", "concert/b.mp4", "concert/b.mp4"),
    }


def test_two_files_of_one_name(tmp_path):
    touch(tmp_path, "a.webm", "a.opus", "b.mp4", "b.wav", "c.mp4", "c.ogg")
    assert [names[1:] for names in found(tmp_path).values()] == [
        ("a.opus", "a.webm"),
        ("b.wav", "b.mp4"),
        ("c.ogg", "c.mp4"),
    ]


def test_markers_of_downloads_and_of_preprocessing_are_no_part_of_the_name(tmp_path):
    touch(tmp_path, "orig/A.video.mp4", "orig/A.audio.f338.webm", "preproc/B-video.mp4", "preproc/B-ambix.m4a")
    assert found(tmp_path) == {
        "orig/A": ("orig/A", "orig/A.audio.f338.webm", "orig/A.video.mp4"),
        "preproc/B": ("preproc/B", "preproc/B-ambix.m4a", "preproc/B-video.mp4"),
    }


def test_yt_360_has_a_folder_each_for_video_and_audio(tmp_path):
    touch(tmp_path, f"video/{SHORT}-30.mp4", f"audio/{SHORT}-30.m4a", f"video/{SHORT}-40.mp4", f"audio/{SHORT}-40.m4a")
    assert found(tmp_path) == {
        f"{SHORT}-{start}": (SHORT, f"audio/{SHORT}-{start}.m4a", f"video/{SHORT}-{start}.mp4") for start in (30, 40)
    }


def test_excerpts_of_one_video_are_one_recording_wherever_they_are(tmp_path):
    touch(tmp_path, f"train/{SHORT}_30.mkv", f"test/{SHORT}_40.mkv", f"train/{LONG}_20.mkv", "train/take_20.mkv")
    assert {name: one[0] for name, one in found(tmp_path).items()} == {
        f"train/{SHORT}_30": SHORT,
        f"test/{SHORT}_40": SHORT,
        f"train/{LONG}_20": LONG,
        "train/take_20": "train/take_20",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [(f"{SHORT}_30", SHORT), (f"{LONG}-120", LONG), (f"{SHORT}_0010.0", SHORT), (SHORT, SHORT), ("a_1", "a_1")],
)
def test_an_id_of_youtube_has_eleven_characters(name, expected):
    assert video_id(name) == expected


@pytest.mark.parametrize("layout", ["auto", "frames"])
def test_preprocessed_folders(tmp_path, layout):
    touch(tmp_path, "frames/A/ambix/000000.wav", "frames/A/video/000000.jpg", "other.mp4")
    assert found(tmp_path, layout) == {"A": ("A", "frames/A/ambix", "frames/A/video")}
    assert find_sources(tmp_path, layout)[0][0].frames


def test_a_layout_that_is_given_is_not_guessed(tmp_path):
    touch(tmp_path, "frames/A/ambix/000000.wav", "frames/A/video/000000.jpg", "other.mp4")
    assert "other" in {one.name for one in find_sources(tmp_path, "files")[0]}


def test_what_is_no_recording_is_left_out_with_the_reason(tmp_path):
    touch(tmp_path, "alone.wav", "twice.mp4", "twice.wav", "twice.flac", "frames/A/ambix/000000.wav")
    sources, left_out = find_sources(tmp_path, "files")
    assert sources == []
    assert left_out == {
        "alone": "no video: there is alone.wav",
        "twice": "there is more than one audio file of this name: twice.flac, twice.mp4, twice.wav",
        "frames/A/ambix/000000": "no video: there is 000000.wav",
    }
    assert find_sources(tmp_path, "frames")[1] == {"A": "no folder video"}


def test_two_videos_of_one_name_are_no_recording(tmp_path):
    touch(tmp_path, "a.mp4", "a.mkv")  # neither can be opened: its own message follows when it is read
    assert find_sources(tmp_path, "files")[1] == {"a": "there is more than one video of this name: a.mkv, a.mp4"}


def test_of_two_containers_the_one_without_video_is_the_audio(tmp_path):
    from support.recordings360 import field, panorama, write_recording

    write_recording(tmp_path / "a.mp4", None, [panorama(0)])
    write_recording(tmp_path / "a.webm", field(0, 0.2), None, "libopus")
    assert found(tmp_path) == {"a": ("a", "a.webm", "a.mp4")}


def test_links_are_read_once(tmp_path, capsys):
    touch(tmp_path, "films/a.mkv")
    (tmp_path / "again").symlink_to(tmp_path / "films")
    assert list(found(tmp_path)) == ["films/a"]
    assert "again (read already under another name)" in capsys.readouterr().err


@pytest.mark.slow
def test_ten_thousand_files_are_listed_in_seconds(tmp_path):
    for number in range(5000):
        touch(tmp_path, f"video/{number:011d}-10.mp4", f"audio/{number:011d}-10.m4a")
    start = time.monotonic()
    assert len(found(tmp_path)) == 5000
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("folder", "layout", "message"),
    [
        ("gone", "auto", "gone: the data root is not there"),
        ("", "auto", "no recording is there: no files with sound and video"),
        ("", "frames", "no recording is there: no frames/ID/ambix and frames/ID/video"),
    ],
)
def test_nothing_to_find(tmp_path, folder, layout, message):
    with pytest.raises(DataError, match=message):
        find_sources(tmp_path / folder, layout)
