"""Damaged files give an error that names the file, or a complete output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import given
from support.damage import MEDIA, Child, Damage, seeded
from support.damaged_media import faults
from support.films import furnish, jpeg, noise, write_film

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
FEW, MANY = 6, 63
"""Damaged files of each kind; the many are more than 500 in all."""


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    child = Child("support.damaged_media")
    yield child
    child.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_damaged_file_gives_an_error_or_an_output(
    model: Path, child: Child, tmp_path: Path, kind: str, examples: int
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
    damaged = tmp_path / f"damaged.{suffix}"

    @seeded(examples)
    @given(MEDIA)
    def survives(damage: Damage) -> None:
        damage.write(content, damaged)
        assert child(faults, damaged, model, options) == ""
        done.append(damage)

    survives()
    assert len(done) == examples
