"""Damaged files: whatever was done to their bytes, an error that names the file, or a whole output; nothing between."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from films import furnish, jpeg, noise, write_film

import avspatial
from avspatial.media.track import SoundReader
from avspatial.runs import clock
from avspatial.trained import Trained

KINDS = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
    "mkv": ("libx264", "flac"),
    "webm": ("libvpx-vp9", "libopus"),
    "furnished mp4": ("libx265", "alac"),
    "furnished mkv": ("libx264", "libopus"),
    "wav": None,
    "flac": None,
}
"""Encoders of pictures and sound. Furnished films have subtitles, chapters, a cover and, in mkv, a font as well, and
keep their old sound; sound files get their pictures from a film that is whole."""
LONGEST = 60.0
"""Seconds after which a file counts as hung."""


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """One of the things that happen to files: bytes flipped, zeroed, repeated, cut out, or the end lost."""
    data = bytearray(content)
    at = int(random.integers(len(data)))
    # Half of the time near the ends, where the headers are.
    if random.random() < 0.5:
        at = int(random.choice([at % 512, len(data) - 1 - at % 2048]))
    length = int(2 ** random.uniform(0, 12))
    how = random.integers(6)
    if how == 0:
        for _ in range(int(random.integers(1, 50))):
            data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
    elif how == 1:
        data[at : at + length] = bytes(len(data[at : at + length]))
    elif how == 2:
        data[at : at + length] = random.bytes(len(data[at : at + length]))
    elif how == 3:
        data[at:at] = data[at : at + length]
    elif how == 4:
        del data[at : at + length]
    else:
        del data[max(1, at) :]
    return bytes(data)


def check(content: bytes, source: Path, seed: int, trained: Trained, **how: Any) -> None:
    before = set(source.parent.iterdir())
    source.write_bytes(mutated(content, np.random.default_rng(seed)))
    begun = time.monotonic()
    (result,) = avspatial.spatialize(source, trained, progress=clock.unseen, **how).results
    assert time.monotonic() - begun < LONGEST
    if result.state == "failed":
        assert str(source) in result.error or str(result.out) in result.error
        assert not result.out.exists()
    else:
        assert result.done is not None
        reader = SoundReader(result.out)
        assert sum(block.shape[1] for block in reader.blocks()) == round(result.done.seconds * result.done.rate)
        result.out.unlink()
    source.unlink()
    assert set(source.parent.iterdir()) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seeds", [range(6), pytest.param(range(6, 69), marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_damaged_file_gives_an_error_or_an_output(trained: Trained, tmp_path: Path, kind: str, seeds: range) -> None:
    suffix = kind.removeprefix("furnished ")
    whole = tmp_path / f"whole.{suffix}"
    how: dict[str, Any] = {}
    encoders = KINDS[kind]
    if encoders is None:
        how["video"] = write_film(tmp_path / "pictures.mp4", audio=None, seconds=0.8)
        soundfile.write(whole, noise(38400).T, 48000, "PCM_24")
    else:
        write_film(whole, video=encoders[0], audio=encoders[1], seconds=0.8)
    if kind.startswith("furnished"):
        plain = whole.rename(tmp_path / f"plain.{suffix}")
        furnish(plain, whole, "mov_text" if suffix == "mp4" else "subrip", jpeg(), suffix == "mkv")
        how["keep_original"] = True
    content = whole.read_bytes()
    for seed in seeds:
        check(content, tmp_path / f"damaged-{seed}.{suffix}", seed, trained, **how)
