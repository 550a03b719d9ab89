"""Damaged files give an error that names the file, or a complete output."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from support.films import furnish, jpeg, noise, write_film

import avspatial
from avspatial.api.load import Trained
from avspatial.media.audio_stream import AudioReader
from avspatial.progress import no_display

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
keep their old sound; audio files get their images from an intact film."""
LONGEST = 60.0
"""Seconds after which a file counts as hung."""


FEW, MANY = 6, 63
"""Damaged files of each kind; the many are more than 500 in all."""


@dataclass(frozen=True)
class Damage:
    """What happens to files: bits flipped, bytes zeroed, replaced, repeated, cut out, or the end lost.

    `at` is where, as a share of the file; or, half of the time, near its ends, where the headers are.
    """

    how: str
    at: float
    near: str
    length: int
    seed: int

    def done_to(self, content: bytes) -> bytes:
        data, random = bytearray(content), np.random.default_rng(self.seed)
        reach = {"anywhere": len(data), "start": 512, "end": 2048}[self.near]
        at = int(self.at * (min(reach, len(data)) - 1))
        at = len(data) - 1 - at if self.near == "end" else at
        part = data[at : at + self.length]
        if self.how == "flipped":
            for place in random.integers(len(data), size=1 + self.length % 50):
                data[place] ^= 1 << int(random.integers(8))
        elif self.how == "cut off":
            del data[max(1, at) :]
        else:
            new = {
                "zeroed": bytes(len(part)),
                "replaced": random.bytes(len(part)),
                "repeated": part * 2,
                "cut out": b"",
            }
            data[at : at + self.length] = new[self.how]
        return bytes(data)


DAMAGES = st.builds(
    Damage,
    how=st.sampled_from(["flipped", "zeroed", "replaced", "repeated", "cut out", "cut off"]),
    at=st.floats(0, 1),
    near=st.sampled_from(["anywhere", "anywhere", "start", "end"]),
    length=st.floats(0, 12).map(lambda power: round(2**power)),
    seed=st.integers(0, 2**32 - 1),
)


@contextmanager
def never_longer_than(seconds: float) -> Iterator[None]:
    """Kill the process, with its traceback, if the block hangs: also in a library, where no exception reaches."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def check(content: bytes, source: Path, trained: Trained, **options: Any) -> None:
    before = set(source.parent.iterdir())
    source.write_bytes(content)
    with never_longer_than(LONGEST):
        (result,) = avspatial.spatialize(source, trained, progress=no_display, **options).results
    if result.state == "failed":
        assert str(source) in result.error or str(result.out) in result.error
        assert not result.out.exists()
    else:
        assert result.done is not None
        reader = AudioReader(result.out)
        assert sum(block.shape[1] for block in reader.blocks()) == round(result.done.seconds * result.done.rate)
        result.out.unlink()
    source.unlink()
    assert set(source.parent.iterdir()) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_damaged_file_gives_an_error_or_an_output(
    trained: Trained, tmp_path: Path, kind: str, examples: int, capfd: pytest.CaptureFixture[str]
) -> None:
    suffix = kind.removeprefix("furnished ")
    intact = tmp_path / f"intact.{suffix}"
    options: dict[str, Any] = {}
    encoders = KINDS[kind]
    if encoders is None:
        options["video"] = write_film(tmp_path / "pictures.mp4", audio=None, seconds=0.8)
        soundfile.write(intact, noise(38400).T, 48000, "PCM_24")
    else:
        write_film(intact, video=encoders[0], audio=encoders[1], seconds=0.8)
    if kind.startswith("furnished"):
        plain = intact.rename(tmp_path / f"plain.{suffix}")
        furnish(plain, intact, "mov_text" if suffix == "mp4" else "subrip", jpeg(), suffix == "mkv")
        options["keep_original"] = True
    content, done = intact.read_bytes(), []

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None)
    @given(DAMAGES)
    def survives(damage: Damage) -> None:
        check(damage.done_to(content), tmp_path / f"damaged.{suffix}", trained, **options)
        done.append(damage)

    with capfd.disabled():  # what a hang prints last is to be seen
        survives()
    assert len(done) == examples
