"""Csv files as spreadsheets write them: other separators, decimal commas, UTF-16."""

from __future__ import annotations

from pathlib import Path

import pytest

from avspatial.errors import DataError
from avspatial.evaluation.scoring.file_pairs import find_pairs
from avspatial.media import read_rows
from avspatial.media.csv_rows import read_table

PAIRS = [["prediction", "reference"], ["a, b.wav", "c;d.wav"]]


@pytest.mark.parametrize(
    "text",
    [
        'prediction,reference\n"a, b.wav",c;d.wav\n',
        'prediction , reference\r\n\r\n"a, b.wav", c;d.wav \r\n',
        'prediction;reference\na, b.wav;"c;d.wav"\n',
        '"prediction";"reference"\n"a, b.wav";"c;d.wav"\n',
        "prediction\treference\na, b.wav\tc;d.wav\n",
        'prediction,\treference\n"a, b.wav",\tc;d.wav\n',
        "sep=\t\nprediction\treference\na, b.wav\tc;d.wav\n",
        'sep=;\r\nprediction;reference\r\na, b.wav;"c;d.wav"\r\n',
        "prediction|reference\na, b.wav|c;d.wav\n",
        "prediction | reference\na, b.wav | c;d.wav\n",
        'prediction,reference,a|b\n"a, b.wav",c;d.wav,\n',
        "sep=|\nprediction|reference\na, b.wav|c;d.wav\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_separator_is_read(text: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert [row[:2] for _, row in read_rows(tmp_path / "a.csv")] == PAIRS
    (pair,) = find_pairs(tmp_path / "a.csv")
    assert (pair.prediction, pair.reference) == (tmp_path / "a, b.wav", tmp_path / "c;d.wav")


def test_lines_are_numbered_as_in_an_editor(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\na;b\n\n1;2\n")
    assert read_rows(tmp_path / "a.csv") == [(2, ["a", "b"]), (4, ["1", "2"])]


def test_one_column_and_no_row_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time\n0.5\n")
    assert [row for _, row in read_rows(tmp_path / "a.csv")] == [["time"], ["0.5"]]
    (tmp_path / "a.csv").write_text("\n")
    assert read_rows(tmp_path / "a.csv") == []


@pytest.mark.parametrize("data", [b"RIFF\xff\xfe\x00", b'a,"b\n', b"\xff\xfea"])
def test_other_files_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.csv: not a readable csv \(.+\)\n  Do this\."):
        read_rows(tmp_path / "a.csv", "Do this.")


def test_paths_in_it_may_begin_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "a.csv").write_text("prediction,reference\n~/a.wav,b.wav\n")
    (pair,) = find_pairs(tmp_path / "a.csv")
    assert (pair.prediction, pair.reference) == (tmp_path / "home" / "a.wav", tmp_path / "b.wav")


def test_a_table_has_its_columns_in_any_order_and_what_is_not_asked_for_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("end,note,file\n2.5,x,a.mp4\n,y,b.mp4\n")
    assert read_table(tmp_path / "a.csv", ["file"], ["start", "end"]) == [
        (f"{tmp_path}/a.csv:2", {"file": "a.mp4", "start": "", "end": "2.5", "note": "x"}),
        (f"{tmp_path}/a.csv:3", {"file": "b.mp4", "start": "", "end": "", "note": "y"}),
    ]
    with pytest.raises(DataError, match=r"a\.csv:3: no end in this line\n  Write it, or remove the line\."):
        read_table(tmp_path / "a.csv", ["file", "end"])
    with pytest.raises(
        DataError, match=r"no column files \(did you mean 'file'\?\); it has end, note, file\n  .*files\."
    ):
        read_table(tmp_path / "a.csv", ["files"])
