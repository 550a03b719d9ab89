"""Splitting recordings: by digest, and by a csv whose every fault is named with its line and column."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avspatial.data.splitting import Section, read_sections, refuse_two_splits, split_by_digest
from avspatial.errors import DataError

SHARES = st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4)).map(lambda pair: (1 - sum(pair), *pair))


class TestByDigest:
    def test_each_name_is_in_one_split_and_each_split_has_its_share(self) -> None:
        names = [f"{number:03d}" for number in range(200)]
        parts = split_by_digest(names, (0.8, 0.1, 0.1))
        assert {part: len(found) for part, found in parts.items()} == {"train": 160, "val": 20, "test": 20}
        assert sorted(chain.from_iterable(parts.values())) == names

    def test_the_split_of_known_names(self) -> None:
        """A change of the rule would move clips of existing data sets between their splits."""
        parts = split_by_digest(["a", "b", "c", "d", "e", "f"], (0.6, 0.2, 0.2))
        assert parts == {"train": ["a", "b", "c", "e"], "val": ["d"], "test": ["f"]}

    @given(names=st.sets(st.text(max_size=8), max_size=40), shares=SHARES)
    def test_no_name_is_in_two_splits(self, names: set[str], shares: tuple[float, float, float]) -> None:
        parts = split_by_digest(sorted(names) * 2, shares)
        assert sorted(chain.from_iterable(parts.values())) == sorted(names)
        assert len(names) < 3 or all(parts[part] for part in ("val", "test"))

    @given(names=st.sets(st.text(max_size=8), min_size=1, max_size=60), shares=SHARES)
    def test_a_recording_that_is_added_moves_three_others_at_most(
        self, names: set[str], shares: tuple[float, float, float]
    ) -> None:
        added, *kept = sorted(names, key=hash)
        before, after = ({n: p for p, ns in split_by_digest(s, shares).items() for n in ns} for s in (kept, names))
        assert sum(before[name] != after[name] for name in kept) <= 3 and added in after


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("concert/song.mp4", "concert/encore.mp4", "talk.mkv"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).touch()
    return tmp_path / "videos"


def read(root: Path, text: str) -> list[Section]:
    path = root.parent / "splits.csv"
    path.write_text(text, encoding="utf-8")
    return read_sections(path, root)


def refusal(root: Path, text: str) -> str:
    with pytest.raises(DataError) as error:
        read(root, text)
    return str(error.value).replace(str(root), "ROOT").replace(str(root.parent), "FOLDER")


class TestACsv:
    def test_its_columns(self, root: Path) -> None:
        text = "file,start,end,split,recording,title\nconcert/song.mp4,1.5,20,train,evening,\ntalk.mkv,,,test,\n"
        assert read(root, text) == [
            Section("concert/song.mp4", "train", 1.5, 20.0, "evening", f"{root.parent}/splits.csv:2"),
            Section("talk.mkv", "test", 0.0, None, "talk", f"{root.parent}/splits.csv:3"),
        ]

    def test_columns_in_any_order_and_semicolons_as_spreadsheets_write_them(self, root: Path) -> None:
        (section,) = read(root, "split;file\nval;concert\\encore.mp4\n")
        assert (section.file, section.split, section.recording) == ("concert/encore.mp4", "val", "concert/encore")
        (section,) = read(root, "file;start;end;split\ntalk.mkv;0,5;12,25;test\n")
        assert section.span == (0.5, 12.25)

    def test_several_parts_of_a_file(self, root: Path) -> None:
        sections = read(root, "file,split,start,end\ntalk.mkv,train,10,20\ntalk.mkv,train,0,10\ntalk.mkv,train,20,\n")
        assert [(section.start, section.end) for section in sections] == [(10, 20), (0, 10), (20, None)]

    @pytest.mark.parametrize(
        ("row", "what"),
        [
            ("talk.mkv,9,3,train,", "column end: 3 s is not after the start, 9 s"),
            ("talk.mkv,,0,train,", "column end: 0 s is not after the start, 0 s"),
            ("talk.mkv,1:30,,train,", "column start: '1:30' is no number of seconds"),
            ("talk.mkv,-1,,train,", "column start: '-1' is no number of seconds"),
            ("talk.mkv,nan,,train,", "column start: 'nan' is no number of seconds"),
            ("talk.mkv,,inf,train,", "column end: 'inf' is no number of seconds"),
            ("talk.mkv,,,trai,", "column split: 'trai' is no split (did you mean 'train'?)"),
            ("talk.mkv,,,,", "no split in this line"),
            ("talk.mp4,,,train,", "column file: there is no talk.mp4"),
            (f"{'long' * 99}.mp4,,,train,", f"column file: there is no {'long' * 99}.mp4"),
            (",,,train,", "no file in this line"),
            ("/talk.mkv,,,train,", "column file: '/talk.mkv' is not a path below the data root"),
            ("concert/../talk.mkv,,,train,", "column file: 'concert/../talk.mkv' is not a path below the data root"),
            ("talk.mkv,,,train,,", "has more fields than there are columns"),
        ],
    )
    def test_a_cell_that_is_not_valid(self, root: Path, row: str, what: str) -> None:
        text = f"file,start,end,split,recording\nconcert/song.mp4,,,train,\n\n{row}\n"
        assert refusal(root, text).splitlines()[0] == f"FOLDER/splits.csv:4: {what}"

    @pytest.mark.parametrize(
        ("head", "what"),
        [
            ("file,start", "has no column split; it has file, start"),
            ("", "has no column file; it has none"),
            ("file,split,recordng\ntalk.mkv,train,", "has a column 'recordng' (did you mean 'recording'?)"),
            ("file,split", "lists no file"),
        ],
    )
    def test_a_head_that_is_not_valid(self, root: Path, head: str, what: str) -> None:
        assert refusal(root, head).splitlines()[0] == f"FOLDER/splits.csv: {what}"

    def test_one_recording_in_two_splits(self, root: Path) -> None:
        text = "file,split,recording\nconcert/song.mp4,train,evening\nconcert/encore.mp4,test,evening\n"
        assert refusal(root, text) == (
            "FOLDER/splits.csv:3: column split: recording evening is in test here, "
            "but in train in FOLDER/splits.csv:2\n"
            "  Scores on what was trained with mean nothing: put everything of a recording into one split."
        )

    def test_one_file_in_two_splits_whatever_its_recordings_are_called(self, root: Path) -> None:
        text = "file,split,start,end,recording\ntalk.mkv,train,0,5,one\n./talk.mkv,test,5,9,two\n"
        assert refusal(root, text).splitlines()[0] == (
            "FOLDER/splits.csv:3: column split: file talk.mkv is in test here, but in train in FOLDER/splits.csv:2"
        )

    @pytest.mark.parametrize("second", ["4,9", "0,", ",1", "0,5"])
    def test_parts_that_overlap(self, root: Path, second: str) -> None:
        message = refusal(root, f"file,split,start,end\ntalk.mkv,train,0,5\ntalk.mkv,train,{second}\n")
        assert "of talk.mkv begins before the one in FOLDER/splits.csv:" in message


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["train", "val"])), max_size=6))
def test_what_is_in_two_splits_is_refused(members: list[tuple[str, str]]) -> None:
    twice = len(dict(members)) < len(set(members))
    try:
        refuse_two_splits((name, split, "here") for name, split in members)
        assert not twice
    except DataError:
        assert twice
