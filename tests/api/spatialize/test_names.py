"""Names of files: each is a file's, whatever FFmpeg takes it for; and each refusal to write says what is wrong."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from support.films import noise, spatialize_one, try_spatialize, write_film

import avspatial
from avspatial.api.load import Trained
from avspatial.atomic import atomic_write, remove_stale
from avspatial.errors import MediaError
from avspatial.media.ffmpeg import open_file
from avspatial.media.file_errors import unwritable
from avspatial.media.frame_grid import read_image
from avspatial.media.image import read_cutout
from avspatial.media.probe import media_info
from avspatial.media.video import grid_images, write_video
from avspatial.progress import no_display

NAMES = ["12:30 talk.mp4", "pipe:0.mp4", "concat:a|b.mp4", "file:x.mp4", "subfile,,start,0,end,9,,:c.mp4", "%03d.mp4"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_video(name, [np.full((32, 32, 3), 90, np.uint8)] * 5, 5, noise(8000), 8000)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    info = media_info(name)
    assert info.video is not None and info.audio is not None
    assert grid_images(name, 5, (32, 32)).shape == (5, 32, 32, 3)


def test_a_name_like_an_address_opens_no_connection(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        source = Path(f"tcp:127.0.0.1:{server.getsockname()[1]}?x.mp4")
        write_film(tmp_path / source, seconds=0.5)
        result = spatialize_one(source, trained)
        with pytest.raises(TimeoutError):
            server.accept()
    assert result.out.is_file()
    soundfile.write("10:45.wav", noise(4000)[0], 8000)
    assert spatialize_one(Path("10:45.wav"), trained, video=source).state == "done"


def test_a_percent_sign_in_the_name_of_an_image_is_no_number(tmp_path: Path) -> None:
    colours = {"a%d.png": 200, "a1.png": 10}
    for name, colour in colours.items():
        pixels = np.full((8, 8, 4), colour, np.uint8)
        with av.open(str(tmp_path / "one.png"), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream("png", rate=1)
            stream.height, stream.width, stream.pix_fmt = 8, 8, "rgba"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgba")))
            container.mux(stream.encode())
        (tmp_path / "one.png").rename(tmp_path / name)
    assert read_cutout(tmp_path / "a%d.png").max() == read_image(tmp_path / "a%d.png").max() == 200


def test_one_function_opens_files_with_ffmpeg() -> None:
    package = Path(avspatial.__file__).parent
    users = {
        path.name: len(re.findall(r"av\.open\((?!io\.BytesIO)", path.read_text(encoding="utf-8")))
        for path in package.rglob("*.py")
    }
    assert {name: count for name, count in users.items() if count} == {"ffmpeg.py": 1}


@pytest.mark.parametrize("name", ["n" * 221 + ".txt", "n" * 251 + ".txt", "ä" * 125 + ".txt", "日" * 84 + "n.m"])
def test_a_name_as_long_as_the_file_system_takes_is_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with atomic_write(path) as temporary_path:
        temporary_path.write_text("complete")
        assert len(temporary_path.name.encode()) <= 255
        stale = temporary_path.with_name(re.sub(r"-\d+-", "-999999999-", temporary_path.name))
    stale.write_text("left behind")
    remove_stale(path)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_film_with_the_longest_name(trained: Trained, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", seconds=0.5)
    assert spatialize_one(source, trained, out=tmp_path / ("n" * 251 + ".mp4")).state == "done"
    long = source.rename(tmp_path / ("m" * 246 + ".mp4"))
    (result,) = avspatial.spatialize([long, long], trained, out=tmp_path / "made", progress=no_display).results
    assert result.error == f"{result.out}: cannot be written (File name too long)\n  Give a shorter name."


def test_a_place_that_takes_no_files_is_named(trained: Trained, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", seconds=0.5)
    error = try_spatialize(source, trained, out="/proc/out.mp4").error
    assert error == "/proc/out.mp4: /proc is no place for files\n  Give another folder with -o."
    (tmp_path / "file").write_text("")
    error = try_spatialize(source, trained, out=tmp_path / "file" / "out.mp4").error
    assert "Free space" not in error and "its folder cannot be created" in error


def test_a_format_that_refuses_its_content_is_not_a_full_disk(tmp_path: Path) -> None:
    def write() -> None:
        with open_file(tmp_path / "a.mov", "w") as container:
            container.metadata["timecode"] = "01:00:00:00"
            stream = container.add_stream("mpeg4", rate=1000)  # time codes count at most 255 frames a second
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
            container.mux(stream.encode())

    with pytest.raises(av.error.FFmpegError) as refused:
        write()
    assert str(unwritable(tmp_path / "a.mov", refused.value)) == (
        f"{tmp_path / 'a.mov'}: cannot be written: its format does not take what it should hold (Invalid argument)\n"
        "  Give an output that ends in .mkv, which takes nearly everything."
    )


@pytest.mark.parametrize(
    ("number", "fix"),
    [(28, "Free space, or choose another folder."), (13, "Allow writing there, or choose another folder."),
     (30, "Allow writing there, or choose another folder."), (36, "Give a shorter name.")],
)  # fmt: skip
def test_each_refusal_of_the_file_system_has_its_own_fix(number: int, fix: str) -> None:
    error = unwritable("a.mp4", OSError(number, "refused"))
    assert isinstance(error, MediaError) and error.fix == fix
