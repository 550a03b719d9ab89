"""Audio files whose header states another length than they have: cut short, or written into a pipe."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from support.films import tiny, try_spatialize, write_film

from avspatial.errors import MediaError
from avspatial.media.audio import AudioInfo, audio_info, read_audio
from avspatial.media.audio_stream import AudioReader
from avspatial.media.file_ends import flac_end
from avspatial.registry import Registry

RATE = 8000
AUDIO = np.round(3000 * np.random.default_rng(0).standard_normal((2, 3 * RATE))).astype(np.int16)


def write(path: Path, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    soundfile.write(str(path), AUDIO.T, RATE, subtype, format=kind)
    return path.read_bytes()


def streamed(path: Path) -> np.ndarray:
    return np.concatenate(list(AudioReader(path).blocks()), 1)


READERS: dict[str, Callable[[Path], object]] = {"header": audio_info, "read": read_audio, "stream": streamed}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("kind", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_24"), ("RF64", "PCM_24")],
)
def test_a_wav_cut_short_is_refused(tmp_path: Path, kind: str, subtype: str, reader: str) -> None:
    path = tmp_path / "a.wav"
    data = write(path, kind, subtype)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"a\.wav: cut short: it ends at 1\.\d\d s of 3\.\d\d s\n  Copy or download"):
        READERS[reader](path)


@pytest.mark.parametrize(("suffix", "kind"), [("aif", "AIFF"), ("au", "AU"), ("w64", "W64")])
def test_other_audio_cut_short_is_refused(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"a.{suffix}"
    data = write(path, kind)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"cut short: it ends at 1\.50 s of 3\.00 s"):
        read_audio(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_a_flac_cut_short_is_refused_before_it_is_read(tmp_path: Path, subtype: str, reader: str) -> None:
    path = tmp_path / "a.flac"
    data = write(path, "FLAC", subtype)
    for kept in (len(data) // 2, len(data) * 3 // 4):
        path.write_bytes(data[:kept])
        with pytest.raises(
            MediaError, match=r"a\.flac: cut short: it ends at (\d\.\d\d) s of 3\.00 s\n  Copy"
        ) as error:
            READERS[reader](path)
        end = float(str(error.value).partition("ends at ")[2].partition(" s")[0])
        assert end == pytest.approx(3 * kept / len(data), abs=2 * 4096 / RATE)  # frames hold 4096 samples
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))  # room that a download reserved
    with pytest.raises(MediaError, match=r"cut short: it ends at \d\.\d\d s of 3\.00 s\n  Copy or download it again\."):
        READERS[reader](path)
    path.write_bytes(data[:-1])
    with pytest.raises(
        MediaError, match=r"a\.flac: damaged or cut short: its end cannot be read\n  Copy or download it"
    ):
        READERS[reader](path)
    path.write_bytes(data + b"TAG" + bytes(125))
    np.testing.assert_array_equal(streamed(path), AUDIO / np.float32(32768))


def test_the_end_of_a_flac_file_with_frames_of_different_sizes(tmp_path: Path) -> None:
    """A number of samples instead of a number of the frame, and sizes that follow in bytes of their own."""
    sync, stereo = b"\xff\xf9", b"\x18"
    frames = [
        sync + b"\x60" + stereo + b"\x00" + bytes([199]),  # 200 samples from number 0 on
        sync + b"\x70" + stereo + "\u00c8".encode() + (999).to_bytes(2, "big"),  # 1000 from 200
        sync + b"\xc0" + stereo + "\u04b0".encode(),  # 4096 from 1200
    ]
    path = tmp_path / "a.flac"
    body = b"fLaC" + bytes(38)
    for frame, end in zip(frames, (200, 1200, 5296), strict=True):
        body += frame + bytes([crc8(frame)]) + bytes(100)
        path.write_bytes(body)
        assert flac_end(path) == end
    path.write_bytes(b"fLaC" + bytes(2 << 20))
    assert flac_end(path) == 0


def crc8(data: bytes) -> int:
    """By long division of polynomials over GF(2), by x^8 + x^2 + x + 1."""
    number = int.from_bytes(data, "big") << 8
    while number.bit_length() > 8:
        number ^= 0b100000111 << number.bit_length() - 9
    return number


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_cut_short_is_refused(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "a.ogg"
    data = write(path, "OGG", subtype)
    complete = streamed(path).shape
    for cut in (
        data[: len(data) // 2],
        data[:-1],
        data[: data.rindex(b"OggS") + 3],
        data[: len(data) // 2] + bytes(5000),
    ):
        path.write_bytes(cut)
        for reader in READERS.values():
            with pytest.raises(
                MediaError, match=r"a\.ogg: cut short: it ends at \d\.\d\d s\n  Copy or download it again\."
            ):
                reader(path)
    path.write_bytes(data + b"TAG" + bytes(125))
    assert streamed(path).shape == complete


def test_an_ogg_that_ends_with_a_page_like_any_other_is_a_recorded_stream(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    data = write(path, "OGG", "VORBIS")
    path.write_bytes(data[: data.rindex(b"OggS")])
    assert 0 < streamed(path).shape[1] < AUDIO.shape[1]


def test_flac_in_ogg_is_read_and_refused_if_it_is_cut_short(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.ogg", video=None, audio="flac", rate=RATE, sound=AUDIO / np.float32(32768))
    assert audio_info(path) == AudioInfo(RATE, 2, AUDIO.shape[1])
    for samples in (streamed(path), read_audio(path)[0]):
        np.testing.assert_allclose(samples, AUDIO / np.float32(32768), atol=2**-15)
    path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) // 2])
    for reader in READERS.values():
        with pytest.raises(MediaError, match=r"a\.ogg: cut short: it"):
            reader(path)


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("a.opus", "libopus"),
        ("a.mp3", "libmp3lame"),
        ("a.mka", "flac"),
        ("a.webm", "libopus"),
        ("a.mkv", "pcm_s16le"),
        ("a.avi", "pcm_s16le"),
    ],
)
def test_a_track_cut_short_is_refused(tmp_path: Path, name: str, audio: str) -> None:
    video = None if name.endswith(("opus", "mp3", "mka")) else "libvpx" if name.endswith("webm") else "mpeg4"
    path = write_film(tmp_path / name, video=video, audio=audio, seconds=4)
    length = streamed(path).shape[1] / 48000
    assert length == pytest.approx(4, abs=0.06)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    of = "" if name == "a.opus" else r" of \d\.\d\d s"
    for reader in (read_audio, streamed, lambda path: read_audio(path, 0.2, 0.5)):
        with pytest.raises(
            MediaError, match=rf"{name}: cut short: it ends at \d\.\d\d s{of}\n  Copy or download it again\."
        ):
            reader(path)


def test_an_mp3_that_does_not_state_its_length_is_read_to_its_end(tmp_path: Path) -> None:
    """FFmpeg takes the bit rate of the beginning for that of the entire file."""
    path = tmp_path / "a.mp3"
    packets = []
    for bit_rate in (8000, 64000):
        encoder = av.CodecContext.create("libmp3lame", "w")
        encoder.rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "mono", "fltp", bit_rate
        frame = av.AudioFrame.from_ndarray(AUDIO[:1] / np.float32(32768), format="fltp", layout="mono")
        frame.rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        packets += [*encoder.encode(frame), *encoder.encode(None)]
    path.write_bytes(b"".join(map(bytes, packets)))
    with av.open(str(path)) as container:
        assert container.duration > 10e6
    assert streamed(path).shape[1] == pytest.approx(6 * RATE, rel=0.08)


def test_a_few_bytes_that_a_header_counts_too_many_are_no_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(patched(write(path), b"data", 4, AUDIO.nbytes + 44))
    np.testing.assert_array_equal(streamed(path), AUDIO / np.float32(32768))


def patched(data: bytes, after: bytes, offset: int, value: int, order: str = "little") -> bytes:
    """The file with a 32-bit number at `offset` from the beginning of `after`."""
    at = data.index(after) + offset
    return data[:at] + value.to_bytes(4, order) + data[at + 4 :]  # type: ignore[arg-type]


def without_length(path: Path, kind: str) -> None:
    """Write the audio with a header that states no number of samples."""
    data = write(path, kind)
    if kind == "FLAC":  # 36 bits of the stream's description (RFC 9639, 8.2)
        data = data[:21] + bytes([data[21] & 0xF0, 0, 0, 0, 0]) + data[26:]
    elif kind == "AU":
        data = patched(data, b".snd", 8, 0xFFFFFFFF)
    else:  # AIFF
        data = patched(patched(data, b"FORM", 4, 0, "big"), b"SSND", 4, 0, "big")
        data = patched(data, b"COMM", 10, 0, "big")
    path.write_bytes(data)


@pytest.mark.parametrize(("suffix", "kind"), [("flac", "FLAC"), ("au", "AU"), ("aif", "AIFF")])
def test_a_header_without_a_length_is_read_to_the_end(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"a.{suffix}"
    without_length(path, kind)
    assert audio_info(path) == AudioInfo(RATE, 2, AUDIO.shape[1])
    samples, rate = read_audio(path)
    assert rate == RATE
    np.testing.assert_array_equal(samples, AUDIO / np.float32(32768))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0xFFFFFFDB])
def test_a_wav_from_a_pipe_is_read_to_the_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(patched(patched(write(path), b"RIFF", 4, (size + 36) % (1 << 32)), b"data", 4, size))
    assert audio_info(path) == AudioInfo(RATE, 2, AUDIO.shape[1])
    for samples in (streamed(path), read_audio(path)[0]):
        np.testing.assert_array_equal(samples, AUDIO / np.float32(32768))


def test_spatialize_takes_a_flac_from_a_pipe_and_refuses_what_is_cut_short(
    tmp_path: Path, builtin_registry: Registry
) -> None:
    trained = tiny(tmp_path, builtin_registry)
    video = write_film(tmp_path / "film.mp4", audio=None)
    without_length(tmp_path / "a.flac", "FLAC")
    result = try_spatialize(tmp_path / "a.flac", trained, video=video)
    assert result.error == ""
    assert audio_info(result.out) == AudioInfo(RATE, 2, AUDIO.shape[1])
    data = write(tmp_path / "b.wav")
    (tmp_path / "b.wav").write_bytes(data[: len(data) // 2])
    result = try_spatialize(tmp_path / "b.wav", trained, video=video)
    assert result.error == (
        f"{tmp_path / 'b.wav'}: cut short: it ends at 1.50 s of 3.00 s\n  Copy or download it again."
    )
    assert not result.out.exists()
    data = write(tmp_path / "c.flac", "FLAC")
    (tmp_path / "c.flac").write_bytes(data[: len(data) // 2])
    result = try_spatialize(tmp_path / "c.flac", trained, video=video)
    assert result.error == (
        f"{tmp_path / 'c.flac'}: cut short: it ends at 1.54 s of 3.00 s\n  Copy or download it again."
    )
    assert not result.out.exists()
