"""Audio files whose header states another length than they have: cut short, or written into a pipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.films import tiny, try_spatialize, write_film

from avspatial.errors import MediaError
from avspatial.media.audio import AudioInfo, audio_info, read_audio
from avspatial.media.audio_stream import AudioReader
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


def test_spatialize_takes_a_flac_from_a_pipe_and_refuses_a_wav_cut_short(
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
