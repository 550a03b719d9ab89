"""Names of files that are not in UTF-8, as other systems leave them: read and written, or refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile
from support.films import noise, write_film
from support.saved_sounds import save_official

from avspatial.cli.main import main
from avspatial.errors import DataError
from avspatial.folders import refuse_undecodable
from avspatial.media.audio import audio_info, read_audio, write_wav
from avspatial.media.audio_writer import write_audio

STRANGE = os.fsdecode(b"\xff\xe9")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / f"a{STRANGE}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    return folder


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_audio_is_read_and_written(folder: Path, suffix: str) -> None:
    path = folder / f"b{STRANGE}.{suffix}"
    write_audio(path, [noise(4000, 2)], 16000, 4000, {})
    assert audio_info(path).samples == read_audio(path)[0].shape[1] == 4000
    write_wav(path, noise(4000), 16000, "PCM_16")
    assert audio_info(path).channels == 1


def test_spatialize_preview_and_data(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, video = folder / "mono.flac", write_film(folder / "film.mp4", seconds=0.5)
    soundfile.write(os.fsencode(source), noise(8000)[0], 16000, format="FLAC")
    assert main(["spatialize", str(source), "--video", str(video), "--run", "panner_demo"]) == 0
    assert main(["spatialize", str(video), "--run", "panner_demo"]) == 0
    assert main(["preview", str(folder / "mono_binaural.flac"), "-o", str(folder / "a.html")]) == 0
    strange = (folder / "film_binaural.mp4").rename(folder / f"c{STRANGE}.mp4")
    assert main(["preview", str(strange), "-o", str(folder / "c.html")]) == 0
    assert "c\\udcff\\udce9.mp4" in (folder / "c.html").read_text(encoding="utf-8")
    assert main(["data", "simulate", str(folder / "scenes"), "--clips", "6", "--seconds", "1.2"]) == 0
    assert capsys.readouterr().err.count("bug in avspatial") == 0


def test_systems_in_such_folders_are_compared(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_official(tmp_path / "out", 3)
    for kept in (folder, tmp_path / "b"):
        assert main(["evaluate", str(tmp_path / "out"), "--metrics", "snr", "--save", str(kept)]) == 0
    page = tmp_path / "page.html"
    assert main(["compare", str(folder), str(tmp_path / "b"), "--html", str(page)]) == 0
    assert "a\\xff\\xe9" in capsys.readouterr().out and "a\\xff\\xe9" in page.read_text(encoding="utf-8")


def test_what_cannot_hold_them_is_refused_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=r"/a\\xff\\xe9: a name that is not in UTF-8\n  Rename it\."):
        refuse_undecodable(folder)
    refused = f"{folder.parent}/a\\xff\\xe9"
    assert main(["run", "panner_demo", "--runs", str(folder)]) == 2
    assert capsys.readouterr().err == f"error: {refused}: a name that is not in UTF-8\n  Rename it.\n"
    (folder / "run.json").write_text("{}")
    (folder / "recipe.resolved.yaml").write_text("seed: 0\n")
    assert main(["run", "--resume", str(folder)]) == 2
    assert capsys.readouterr().err == f"error: {refused}: a name that is not in UTF-8\n  Rename it.\n"
    (folder / "m.safetensors").write_bytes(b"weights")
    film = str(write_film(folder.parent / "film.mp4", seconds=0.3))
    assert main(["spatialize", film, "--run", str(folder / "m.safetensors")]) == 2
    assert capsys.readouterr().err == f"error: {refused}/m.safetensors: a name that is not in UTF-8\n  Rename it.\n"
    monkeypatch.setenv("AVSPATIAL_CACHE", str(folder))
    assert main(["run", "panner_demo", "--smoke"]) == 2
    assert capsys.readouterr().err.endswith(f"error: {refused}: a name that is not in UTF-8\n  Rename it.\n")
