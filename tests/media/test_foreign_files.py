"""Files that are not what their names say, and commands in messages that can be typed as they stand."""

import shlex
from pathlib import Path

import pytest
from support.permissions import open_folder, without_rights

from avspatial.errors import MediaError
from avspatial.media.audio import read_audio
from avspatial.media.file_errors import ffmpeg_command
from avspatial.media.probe import media_info

CONTENTS = {
    b"": "an empty file",
    b"<!DOCTYPE html>\n<html>": "a web page, perhaps of a download that needs a click or a login",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": (
        "a Git LFS pointer, not the file itself: `git lfs pull` fetches it"
    ),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_a_video_that_is_something_else_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError) as error:
        media_info(path)
    assert str(error.value) == f"{path}: not a video: {CONTENTS[content]}\n  Get the file itself."


@pytest.mark.parametrize("name", ["sound.wav", "sound.flac"])
@pytest.mark.parametrize("content", CONTENTS)
def test_an_audio_file_that_is_something_else_is_named(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MediaError) as error:
        read_audio(path)
    assert str(error.value) == f"{path}: not an audio file: {CONTENTS[content]}\n  Get the file itself."


@pytest.mark.parametrize("name", ["sound.wav", "sound.flac", "sound.mp3", "film.mp4"])
def test_a_file_that_may_not_be_read_is_no_damaged_one(name: str) -> None:
    with open_folder() as folder:
        path = folder / name
        path.write_bytes(b"anything")
        path.chmod(0)
        with without_rights(), pytest.raises(MediaError) as error:
            read_audio(path)
    assert str(error.value) == f"{path}: cannot be read (Permission denied)\n  Allow reading it, or copy it."


@pytest.mark.parametrize("name", ["w w/it's 1.mp4", "12:30 talk.mp4", "$(x).mp4", "plain.mp4"])
def test_a_command_holds_the_complete_name(name: str) -> None:
    words = shlex.split(ffmpeg_command(Path(name), "-crf 16", "PLAIN.mp4"))
    assert words[:2] == ["ffmpeg", "-i"]
    assert words[2].removeprefix("file:") == name
    assert words[2].startswith("file:") == (":" in name)
    assert words[3:] == ["-crf", "16", "PLAIN.mp4"]
