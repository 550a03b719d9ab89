"""What describes a stream outside its packets: kept where the container can hold it, else named in the notes."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from fractions import Fraction
from pathlib import Path

import av
import pytest
import soundfile
from support.films import noise, spatialize_one, write_film

from avspatial.api.load import Trained

TRACK = (b"moov", b"trak")
ENTRY = (*TRACK, b"mdia", b"minf", b"stbl", b"stsd")


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def full(name: bytes, content: bytes) -> bytes:
    return box(name, b"\0\0\0\0" + content)


GSPHERICAL = bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + (
    b'<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    b'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"><GSpherical:Spherical>true</GSpherical:Spherical>'
    b"</rdf:SphericalVideo>"
)
SPHERICAL = box(b"sv3d", full(b"svhd", b"a\0") + box(b"proj", full(b"prhd", bytes(12)) + full(b"equi", bytes(16))))
STEREO = full(b"st3d", b"\1")
DOLBY_VISION = box(b"dvcC", bytes([1, 0, 5 << 1, 6 << 3 | 5, 0x10]) + bytes(19))
COLOURS = (8500, 39850, 6550, 2300, 35400, 14600, 15635, 16450, 10000000, 50)
MASTERING = box(b"mdcv", struct.pack(">8H2I", *COLOURS)) + box(b"clli", struct.pack(">2H", 1000, 400))


def marked(film: Path, chunk: bytes, parents: tuple[bytes, ...] = ENTRY) -> Path:
    """Add boxes to the first track of an mp4 or mov file, or to the description of its codec (ISO 14496-12)."""
    data, at, sizes = film.read_bytes(), 0, []
    for name in parents:
        at = data.index(name, at)
        sizes.append(at - 4)
    if parents == ENTRY:
        sizes.append(at + 12)
    end = sizes[-1] + int.from_bytes(data[sizes[-1] : sizes[-1] + 4], "big")
    for place in sizes:
        size = int.from_bytes(data[place : place + 4], "big") + len(chunk)
        data = data[:place] + size.to_bytes(4, "big") + data[place + 4 :]
    film.write_bytes(data[:end] + chunk + data[end:])
    return film


def side_data(path: Path) -> set[str]:
    with av.open(str(path)) as container:
        return {data.type.name for data in next(container.decode(video=0)).side_data}


def notes(source: Path, trained: Trained, out: Path, **options: Path) -> tuple[str, ...]:
    result = spatialize_one(source, trained, out=out, **options)
    assert result.done is not None
    return result.done.notes


@pytest.mark.parametrize("out", ["out.mp4", "out.mov", "out.mkv"])
@pytest.mark.parametrize(
    ("chunk", "kinds"),
    [
        (SPHERICAL, {"SPHERICAL"}),
        (STEREO, {"STEREO3D"}),
        (MASTERING, {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}),
    ],
    ids=["360", "3D", "mastering"],
)
def test_marks_of_the_video_are_kept(trained: Trained, tmp_path: Path, out: str, chunk: bytes, kinds: set[str]) -> None:
    source = marked(write_film(tmp_path / "in.mp4", seconds=0.5), chunk)
    assert side_data(source) >= kinds
    assert notes(source, trained, tmp_path / out) == ()
    assert side_data(tmp_path / out) >= kinds


@pytest.mark.parametrize(
    ("out", "expected"), [("out.mp4", ()), ("out.mkv", ()), ("out.mov", ("not kept: Dolby Vision record",))]
)
def test_a_dolby_vision_record_is_kept_or_named(
    trained: Trained, tmp_path: Path, out: str, expected: tuple[str, ...]
) -> None:
    source = marked(write_film(tmp_path / "in.mp4", seconds=0.5), DOLBY_VISION)
    assert notes(source, trained, tmp_path / out) == expected
    assert (b"dvcC" in (tmp_path / out).read_bytes()) == (not expected)


def test_the_older_mark_of_360_degree_video_is_named(trained: Trained, tmp_path: Path) -> None:
    source = marked(write_film(tmp_path / "in.mp4", seconds=0.5), box(b"uuid", GSPHERICAL), TRACK)
    assert notes(source, trained, tmp_path / "out.mp4") == ("not kept: 360-degree mark (GSpherical)",)


@pytest.mark.parametrize("out", ["out.mp4", "out.mov", "out.mkv"])
@pytest.mark.parametrize(("across", "down"), [(3, 4), (4, 3), (64, 45), (1001, 1000), (8, 1)])
def test_the_pixel_aspect_of_the_container_is_kept(
    trained: Trained, tmp_path: Path, out: str, across: int, down: int
) -> None:
    source = marked(write_film(tmp_path / "in.mp4", seconds=0.5), box(b"pasp", struct.pack(">2I", across, down)))
    assert notes(source, trained, tmp_path / out) == ()
    assert float(displayed(tmp_path / out)) == pytest.approx(64 / 48 * across / down, rel=0.003)


def displayed(path: Path) -> Fraction:
    """Width : height at which a video is shown, by ffprobe if it is installed, or else by PyAV."""
    if shutil.which("ffprobe") is None:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            return stream.sample_aspect_ratio * Fraction(stream.width, stream.height)
    options = "-v error -select_streams v:0 -show_entries stream=display_aspect_ratio -of csv=p=0"
    done = subprocess.run(["ffprobe", *options.split(), str(path)], capture_output=True, text=True, check=True)
    return Fraction(done.stdout.strip().replace(":", "/"))


def test_the_pixel_aspect_of_matroska_is_kept_in_matroska_and_its_frames_remain_the_same(
    trained: Trained, tmp_path: Path
) -> None:
    first = marked(write_film(tmp_path / "in.mp4", seconds=0.5), box(b"pasp", struct.pack(">2I", 3, 4)))
    notes(first, trained, tmp_path / "a.mkv")
    notes(tmp_path / "a.mkv", trained, tmp_path / "b.mkv")
    assert displayed(tmp_path / "b.mkv") == 1  # 64 x 48 pixels
    with av.open(str(first)) as before, av.open(str(tmp_path / "b.mkv")) as after:
        frames = [[frame.to_ndarray().tobytes() for frame in file.decode(video=0)] for file in (before, after)]
    assert frames[0] == frames[1] and frames[0]
    header = (tmp_path / "b.mkv").read_bytes()[:2000]
    tracks = header[header.rindex(bytes.fromhex("1654ae6b")) + 4 :]
    size = int.from_bytes(tracks[:2]) - 0x4000
    assert tracks[2:4].hex() == "bf84" and tracks[4:8] == zlib.crc32(tracks[8 : 2 + size]).to_bytes(4, "little")


def test_a_pixel_aspect_that_webm_has_no_place_for_is_named(trained: Trained, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv", seconds=0.5, video="libvpx-vp9", audio="libopus")
    source = tmp_path / "in.mp4"
    with av.open(str(film)) as container, av.open(str(source), "w") as target:
        copies = [target.add_stream_from_template(stream, opaque=True) for stream in container.streams]
        copies[0].codec_context.sample_aspect_ratio = Fraction(3, 4)
        for packet in container.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    assert displayed(source) == 1
    assert notes(source, trained, tmp_path / "out.webm") == ("not kept: pixel aspect 3:4",)


def test_the_name_of_a_codec_in_mov_is_kept(trained: Trained, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mov", seconds=0.5, video="mpeg4", tag="xvid")
    spatialize_one(source, trained, out=tmp_path / "out.mov")
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mov")) as after:
        assert after.streams.video[0].codec_context.codec_tag == before.streams.video[0].codec_context.codec_tag


@pytest.mark.parametrize("out", ["out.mp4", "out.mov", "out.mkv"])
def test_free_tags_and_the_language_are_kept(trained: Trained, tmp_path: Path, out: str) -> None:
    film = write_film(tmp_path / "film.mp4", seconds=0.5)
    tags = {"com.apple.quicktime.make": "Apple", "com.android.version": "14", "title": "A film"}
    source = tmp_path / "in.mp4"
    with (
        av.open(str(film)) as container,
        av.open(str(source), "w", options={"movflags": "use_metadata_tags"}) as target,
    ):
        target.metadata.update(tags)
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in container.streams}
        copies[1].metadata["language"] = "deu"
        for packet in container.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    assert notes(source, trained, tmp_path / out) == ()
    with av.open(str(tmp_path / out)) as container:
        kept = {key.lower(): value for key, value in container.metadata.items()}
        assert {key: kept.get(key) for key in tags} == tags
        assert container.streams.audio[0].metadata["language"] == ("ger" if out == "out.mov" else "deu")


def test_a_tag_that_the_container_has_no_place_for_is_named(trained: Trained, tmp_path: Path) -> None:
    film, source = write_film(tmp_path / "film.mkv", seconds=0.5), tmp_path / "in.mkv"
    with av.open(str(film)) as container, av.open(str(source), "w") as target:
        target.metadata["CAMERA_SERIAL"] = "17"
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in container.streams}
        for packet in container.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    assert notes(source, trained, tmp_path / "out.mp4") == ("not kept: tag CAMERA_SERIAL",)
    assert notes(source, trained, tmp_path / "out.mkv") == ()


def test_tags_of_audio_files_are_kept_or_named(trained: Trained, tmp_path: Path) -> None:
    video = write_film(tmp_path / "film.mp4", seconds=0.5, audio=None)
    for suffix in ("flac", "wav"):
        with soundfile.SoundFile(str(tmp_path / f"in.{suffix}"), "w", 16000, 1) as file:
            file.title, file.artist = "A song", "Somebody"
            file.write(noise(8000)[0])
        out = tmp_path / f"out.{suffix}"
        assert notes(tmp_path / f"in.{suffix}", trained, out, video=video) == ()
        with soundfile.SoundFile(str(out)) as file:
            assert (file.title, file.artist) == ("A song", "Somebody")
    data = (tmp_path / "in.wav").read_bytes()
    bext = struct.pack("<256s32s32s10s8sQH64s190x", b"", b"", b"", b"2026-01-01", b"10:00:00", 12345, 1, b"")
    chunk = b"bext" + struct.pack("<I", len(bext)) + bext
    source = tmp_path / "recorder.wav"
    source.write_bytes(b"RIFF" + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:12] + chunk + data[12:])
    (note,) = notes(source, trained, tmp_path / "made.wav", video=video)
    assert note.startswith("not kept: ") and "tag time_reference" in note
