"""`avspatial published`: tables, audit, own results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avspatial.cli.main import main


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["published", *arguments]) == 0
    return capsys.readouterr().out


def write_evaluation(folder: Path) -> Path:
    file = folder / "mine.json"
    entry = {"mean": 0.8126, "n": 187, "failed": 0}
    file.write_text(json.dumps({"convention": "fairplay", "clips": 187, "failed": 0, "metrics": {"snr": entry}}))
    return file


def test_a_table_is_printed_as_published(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--table", "clup").splitlines()
    assert lines[0] == "clup: CLUP on FAIR-Play, mean over the 10 random splits"
    assert lines[-2].split("  ")[1:] == ["method", "STFT ↓", "ENV ↓", "Wave L2 ↓ (1e-3)", "SNR ↑ (dB)"]
    assert lines[-1].split() == ["CLUP", "0.787", "0.128", "5.244", "7.546"]


def test_the_audit_is_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--audit")
    assert "Audit: 51 checks of 24 rows; 8 give reason to doubt." in text
    assert "no error scores below 136.4" in text
    assert "Claim (arXiv 2311.07630): " in text
    assert "yt_music: SAGM against MONO2BINAURAL" in text


def test_own_results_are_below_with_a_mark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_evaluation(tmp_path)
    lines = shown(capsys, "--table", "clup", "--with", str(file)).splitlines()
    assert lines[-2].split() == ["mine", "[1]", "-", "-", "-", "0.813"]
    assert lines[-1].startswith(f"  [1] yours, {file}: data: not recorded, published: fairplay; split: not recorded")


UNKNOWN_RENDERER = (
    "the renderer of every published YT-Music row is unknown, and each renderer makes other ears of one recording"
)


@pytest.mark.parametrize("form", [[], ["--markdown"], ["--json"]])
def test_own_results_are_never_next_to_yt_music(
    form: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--with", str(write_evaluation(tmp_path))]
    assert main(["published", "--table", "yt_music", *own, *form]) == 2
    assert capsys.readouterr().err == (
        f"error: yt_music: your results cannot be compared with it: {UNKNOWN_RENDERER}\n"
        "  Leave out `--with`, or choose another table. Systems that you run on one rendering can be compared: "
        "avspatial compare RUN RUN.\n"
    )
    both = shown(capsys, "--table", "yt_music", "--table", "clup", *own, *form)
    if form == ["--json"]:
        printed = json.loads(both)
        assert [table["incomparable"] for table in printed["tables"]] == [UNKNOWN_RENDERER, ""]
        assert list(printed["with"][0]["differs"]) == ["clup"]
        return
    of_music, of_clup = both.split("clup: CLUP")
    assert f"Yours cannot be compared with these: {UNKNOWN_RENDERER}." in of_music
    assert "mine" not in of_music.replace(str(tmp_path), "") and "mine [1]" in of_clup


def test_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "--table", "clup", "--markdown").splitlines()
    assert lines[2:5] == [
        "| method | STFT ↓ | ENV ↓ | Wave L2 ↓ (1e-3) | SNR ↑ (dB) |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| CLUP | 0.787 | 0.128 | 5.244 | 7.546 |",
    ]


def test_json_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "--json", "--audit", "--table", "fairplay", "--with", str(write_evaluation(tmp_path)))
    assert out.count("\n") == 1
    printed = json.loads(out)
    assert printed["tables"][0]["rows"]["SAGM"]["snr"] == 7.044
    assert printed["tables"][0]["source"]["id"] == "arXiv 2311.07630"
    assert [f["row"] for f in printed["audit"]["findings"] if f["verdict"] == "impossible"] == ["Sep-Stereo"]
    assert printed["with"][0]["means"] == {"snr": 0.8126}
    assert list(printed["with"][0]["differs"]) == ["fairplay"]


def test_two_formats_at_once_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["published", "--json", "--markdown"]) == 2
    assert capsys.readouterr().err == "error: --markdown and --json exclude each other\n  Give one of them.\n"
