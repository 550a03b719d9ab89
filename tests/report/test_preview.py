"""The preview page: its measurements, and that it is self-contained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from avspatial.cli.main import main
from avspatial.media.audio_writer import write_audio
from avspatial.media.webvtt import read_directions
from avspatial.report.preview.measure import measure
from avspatial.signal.head import SphericalHead, render

RATE = 16000


@pytest.fixture(scope="module")
def panned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise at 40 degrees for a second and a half, silence for one, then at -30 degrees for one and a half."""
    noise = 0.05 * np.random.default_rng(0).standard_normal(round(1.5 * RATE))
    left, right = (render(noise, angle, RATE, SphericalHead()) for angle in (40, -30))
    sound = np.concatenate((left, np.zeros((2, RATE)), right), axis=1).astype(np.float32)
    path = tmp_path_factory.mktemp("sound") / "panned.wav"
    write_audio(path, [sound], RATE, sound.shape[1])
    return path


def test_directions_are_those_of_the_head_and_silence_has_none(panned: Path) -> None:
    measured = measure(panned)
    azimuths = {direction.start: direction.azimuth for direction in measured.directions}
    assert [azimuths[start] for start in (0.0, 0.5, 1.0)] == pytest.approx([40] * 3, abs=3)
    assert [azimuths[start] for start in (2.5, 3.0, 3.5)] == pytest.approx([-30] * 3, abs=3)
    assert 2.0 not in azimuths
    assert measured.quiet[(measured.times > 1.7) & (measured.times < 2.3)].all()
    assert measured.summary()["left"] == pytest.approx(0.5, abs=0.1)


def test_the_command_writes_a_page_that_asks_for_nothing_and_cues_that_read_back(
    panned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, vtt = tmp_path / "page.html", tmp_path / "track.vtt"
    arguments = ["preview", str(panned), "-o", str(page), "--vtt", str(vtt), "--original", str(panned), "--json"]
    assert main(arguments) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["seconds"] == 4 and printed["page"] == str(page)
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"<audio [^>]*src=\"data:audio/flac;base64,", text)) == 3
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)
    assert f"−{-printed['loudness']:.1f} LUFS" in text and f"−{-printed['peak']:.1f} dBTP" in text
    assert "<dd>4.0 s</dd>" in text
    assert read_directions(vtt)[0].azimuth == pytest.approx(40, abs=3)
    assert main(arguments) == 2
    assert capsys.readouterr().err == (f"error: {page}: already exists\n  Give another name, or --force.\n")


def test_a_mono_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import soundfile

    path = tmp_path / "mono.wav"
    soundfile.write(path, np.full(RATE, 0.1), RATE)
    assert main(["preview", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"error: {path}: its audio is mono: there is no direction to show\n"
        "  Give a stereo file; `avspatial spatialize` makes one of it.\n"
    )
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_no_input_is_written_over_and_no_page_by_its_cues(
    panned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], force: tuple[str, ...]
) -> None:
    before, page = panned.read_bytes(), tmp_path / "one"
    same, other = str(panned), str(tmp_path / "x.html")
    for arguments, where in (
        (["-o", same], same),
        (["-o", other, "--vtt", same], same),
        (["-o", str(page), "--vtt", str(page)], str(page)),
    ):
        assert main(["preview", same, *arguments, *force]) == 2
        assert capsys.readouterr().err == (
            f"error: {where}: this command already reads or writes this file\n"
            "  Give the page and the cues different names.\n"
        )
    assert panned.read_bytes() == before
    assert not page.exists() and not Path(other).exists()


def test_impossible_names_are_errors_of_the_user(
    panned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for name, message in (
        ("file/page.html", f"{tmp_path}/file: one of the folders in this path is a file"),
        ("folder", f"{tmp_path}/folder: this is a folder, and a file must be written here"),
    ):
        assert main(["preview", str(panned), "-o", str(tmp_path / name), "--force"]) == 2
        assert capsys.readouterr().err == f"error: {message}\n  Give another name.\n"
    assert main(["preview", str(panned), "-o", str(tmp_path / f"{'n' * 255}.html")]) == 2
    assert "the name is too long for the file system\n  Give another name.\n" in capsys.readouterr().err


def test_a_silent_file_has_no_peak_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "silent.wav"
    write_audio(path, iter([np.zeros((2, 16000), np.float32)]), 16000, 16000)
    assert main(["preview", str(path), "--json"]) == 0

    def refuse(name: str) -> None:
        raise AssertionError(name)

    assert json.loads(capsys.readouterr().out, parse_constant=refuse)["peak"] is None
