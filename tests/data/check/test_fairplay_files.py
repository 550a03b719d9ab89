"""FAIR-Play's list of sounds, and what a folder has of them."""

import hashlib
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from avspatial.data.check.fairplay_files import FairPlayFiles, Sound, compare_files, official_sounds
from avspatial.media.audio import audio_info
from avspatial.progress import silent

SHARED = Path(__file__).parents[3] / "../shared/media"


def test_the_list_names_all_sounds_with_the_lengths_that_the_data_set_has() -> None:
    sounds = official_sounds()
    assert sorted(sounds) == [f"{number:06d}" for number in range(1, 1872)]
    assert Counter(sound.samples for sound in sounds.values()) == {480256: 1398, 479232: 473}
    assert len({sound.sha256 for sound in sounds.values()}) == 1871
    assert all(len(bytes.fromhex(sound.sha256)) == 32 for sound in sounds.values())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared media are not here")
def test_a_real_file_has_the_header_that_the_list_counts_on() -> None:
    """The re-extracted clip has other bytes, but FFmpeg's header as the official files have it."""
    path = SHARED / "FAIR-Play" / "binaural_audios" / "000001.wav"
    sound = official_sounds()["000001"]
    assert (path.stat().st_size, audio_info(path).samples) == (sound.size, sound.samples)
    found = compare_files(path.parent, silent)
    assert found is not None
    assert (found.same, len(found.missing), found.other) == (0, 1870, ())
    assert found.changed == {"000001": "as long, but other bytes: another encoding or other audio"}


def write(folder: Path, name: str, samples: int = 800, seed: int = 0, rate: int = 48000) -> Path:
    """A wav with the header that FFmpeg writes, as FAIR-Play's have it: with the name of the program in it."""
    data = np.random.default_rng(seed).integers(-999, 999, (samples, 2), np.int16).tobytes()
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, rate, 4 * rate, 4, 16)
    program = struct.pack("<4sI4s4sI14s", b"LIST", 26, b"INFO", b"ISFT", 14, b"Lavf58.45.100")
    chunks = b"WAVE" + shape + program + struct.pack("<4sI", b"data", len(data)) + data
    path = folder / f"{name}.wav"
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(chunks)) + chunks)
    return path


def test_each_kind_of_difference_is_named(tmp_path: Path) -> None:
    digest = hashlib.sha256(write(tmp_path, "same").read_bytes()).hexdigest()
    official = {name: Sound(800, digest) for name in ("same", "bytes", "shorter", "rate", "damaged", "gone")}
    write(tmp_path, "bytes", seed=1)
    write(tmp_path, "shorter", samples=700)
    write(tmp_path, "rate", rate=16000)
    (tmp_path / "damaged.wav").write_bytes(b"RIFF")
    write(tmp_path, "theirs")
    assert compare_files(tmp_path, silent, official) == FairPlayFiles(
        same=1,
        missing=("gone",),
        changed={
            "bytes": "as long, but other bytes: another encoding or other audio",
            "damaged": "not a readable audio file (Format not recognised)",
            "rate": "at 16000 Hz, not 48000 Hz",
            "shorter": "700 samples, not 800",
        },
        other=("theirs",),
    )


def test_a_folder_without_any_of_their_names_is_not_compared(tmp_path: Path) -> None:
    write(tmp_path, "mine")
    assert compare_files(tmp_path, silent) is None
    assert compare_files(tmp_path / "gone", silent) is None
