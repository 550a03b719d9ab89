"""Damaged files: whatever was done to their bytes, an error that names the file, or a whole output; nothing between."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import avspatial
from avspatial.media.track import SoundReader
from avspatial.runs import clock
from avspatial.trained import Trained

KINDS = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
    "mkv": ("libx264", "flac"),
    "webm": ("libvpx-vp9", "libopus"),
}
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


def check(content: bytes, suffix: str, seed: int, trained: Trained, folder: Path) -> None:
    source = folder / f"damaged-{seed}.{suffix}"
    source.write_bytes(mutated(content, np.random.default_rng(seed)))
    begun = time.monotonic()
    (result,) = avspatial.spatialize(source, trained, progress=clock.unseen).results
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
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize("seeds", [range(6), pytest.param(range(6, 131), marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_damaged_file_gives_an_error_or_an_output(
    film: Callable[..., Path], trained: Trained, tmp_path: Path, suffix: str, seeds: range
) -> None:
    video, audio = KINDS[suffix]
    whole = film(tmp_path / f"whole.{suffix}", video=video, audio=audio, seconds=0.8)
    content = whole.read_bytes()
    whole.unlink()
    for seed in seeds:
        check(content, suffix, seed, trained, tmp_path)
