"""`avspatial data check`: its page on the terminal, as JSON and as HTML, and its exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from avspatial.cli.main import main
from avspatial.data.check.result import DataCheck
from avspatial.media.audio import read_audio, write_wav
from avspatial.report.data_check.sections import sections


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scenes") / "set"
    options = ["--clips", "6", "--seconds", "1", "--set", "picture=[36, 64]", "--split", "0.4", "0.3", "0.3"]
    assert main(["data", "simulate", str(root), *options]) == 0
    return root


@pytest.fixture
def leaking(scenes: Path, tmp_path: Path) -> Path:
    """The scenes without their record, read by their lists; a test clip is a quieter copy of a training clip."""
    root = tmp_path / "set"
    for name in ("videos", "splits"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(scenes / name)
    sounds = {path.stem: read_audio(path) for path in (scenes / "binaural_audios").iterdir()}
    from avspatial.data.layout import split_ids

    train, test = (split_ids(scenes / "splits" / "split1" / f"{part}.h5") for part in ("train", "test"))
    sounds[test[0]] = 0.5 * sounds[train[0]][0], 48000
    for name, (samples, rate) in sounds.items():
        write_wav(root / "binaural_audios" / f"{name}.wav", samples, rate, "PCM_16")
    return root


def data_check(*arguments: object) -> int:
    return main(["data", "check", *map(str, arguments)])


def test_a_sound_set_passes_with_a_page_of_text(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data_check(scenes) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{scenes}, read as simulated (guessed; --use NAME names another data set)\n\nClips\n")
    assert re.search(r"^  train +2 +2$", text, re.MULTILINE)
    assert re.search(r"^  length +s +1\.00", text, re.MULTILINE)
    assert "Clips by sample rate: 48000 Hz (6). By channels of the file: 2 (6)." in text
    assert "Known for 6 clips: while it sounds, the loudest source is" in text
    assert text.endswith("\n\nPassed: no leak between splits and no damage was found.\n")


def test_a_leak_fails_and_is_named_in_text_and_json(leaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert data_check(leaking, "--json") == 1
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    document = json.loads(out)
    assert {"clips", "left_out", "leaks", "sound", "directions"} <= set(document)
    ((train, test),) = document["leaks"]
    assert document["passed"] is False
    assert data_check(leaking) == 1
    text = capsys.readouterr().out
    assert re.search(rf"^  {train} +train +{test} +test +1\.0 s +\d+ % of the fingerprint$", text, re.MULTILINE)
    assert text.endswith("\n\nFailed: 1 pair of clips in two splits with the same audio.\n")


def test_a_refusal_of_all_splits_is_stated_once_in_sentences() -> None:
    why = "DIR: the lists share 1 clip\n  Correct the lists."
    refused = {"train": why, "val": why, "test": "DIR: left out 2:\n    2 x mono (a, b)"}
    found = DataCheck(root="DIR", use="fairplay", settings={}, measured=[], refused=refused)
    (section,) = (section for section in sections(found) if section.title == "Refused by a run")
    assert section.rows[1:] == [
        ("train, val", "DIR: the lists share 1 clip. Correct the lists."),
        ("test", "DIR: left out 2: 2 x mono (a, b)"),
    ]


def test_the_page_is_one_file_that_loads_nothing(leaking: Path, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    assert data_check(leaking, "--html", page) == 1
    html = page.read_text(encoding="utf-8")
    assert "Leaks, the same audio in two splits: 1" in html
    assert html.count("<svg") == 4
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert "default-src 'none'" in html


def test_a_set_without_a_list_of_four_channels_is_read_as_foa360_or_a_folder(tmp_path: Path) -> None:
    from avspatial.data.open_dataset import guess

    write_wav(tmp_path / "one.wav", 0.1 * np.random.default_rng(0).standard_normal((2, 800)), 48000)
    assert guess(tmp_path) == ("folder", [])
    write_wav(tmp_path / "field" / "one.wav", 0.1 * np.random.default_rng(0).standard_normal((4, 800)), 48000)
    assert guess(tmp_path / "field") == ("foa360", [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone"], "error: gone: no such folder\n  Name the folder that holds the data.\n"),
        (["{scenes}", "--set", "clipss=2"], "--set clipss: no such key (did you mean 'clips'?)\n"),
        (
            ["{scenes}", "--set", "clips=7"],
            "error: {scenes}: holds simulated scenes made with other settings (clips 6, not 7)\n"
            "  Give the same settings, give another folder, or remove this one.\n",
        ),
    ],
)
def test_errors_are_one_message(
    scenes: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert data_check(*(word.replace("{scenes}", str(scenes)) for word in arguments)) == 2
    assert capsys.readouterr().err == message.replace("{scenes}", str(scenes))
