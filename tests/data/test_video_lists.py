"""The published splits of YT-Music and its relatives, counted, and compared with the authors' lists where they are."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from avspatial.data.video_lists import NAMES, SETS, channels, published_split
from avspatial.errors import DataError

LISTS = Path(__file__).parents[2] / "../shared/media/yt_subsets"
PUBLISHED = {"ytmusic": "YT-Music", "ytclean": "YT-Clean", "ytall": "YT-All", "recstreet": "REC-Street"}
SIZES = {
    "ytmusic": [(298, 99)] * 3,
    "ytclean": [(372, 124)] * 3,
    "ytall": [(860, 286), (859, 287), (860, 286)],
    "recstreet": [(33, 10), (32, 11), (32, 11)],
}
"""Training and test videos of splits 1 to 3, as published."""


def parts(name: str, number: int) -> tuple[set[str], set[str]]:
    """Training (validation included) and test videos."""
    split = published_split(f"{name}/{number}")
    return {*split["train"], *split["val"]}, {*split["test"]}


@pytest.mark.parametrize("name", SETS)
def test_parts_are_as_large_as_published_and_disjoint(name: str) -> None:
    splits = [parts(name, number) for number in (1, 2, 3)]
    assert [(len(train), len(test)) for train, test in splits] == SIZES[name]
    assert len({frozenset(train | test) for train, test in splits}) == 1
    for train, test in splits:
        assert not train & test
    for (_, first), (_, second) in combinations(splits, 2):
        assert not first & second


@pytest.mark.parametrize("name", NAMES)
def test_a_tenth_of_the_training_videos_validates(name: str) -> None:
    split = published_split(name)
    train, val, test = (set(split[part]) for part in ("train", "val", "test"))
    assert not (train & val or train & test or val & test)
    assert len(val) == round((len(train) + len(val)) / 10)
    assert all(split[part] == sorted(split[part]) for part in split)


def test_music_is_a_part_of_all_with_splits_of_its_own() -> None:
    train_of_all, _ = parts("ytall", 1)
    train, test = parts("ytmusic", 1)
    assert train | test <= set.union(*parts("ytall", 1))
    assert len(test & train_of_all) == 78  # a model of YT-All has seen them


def test_channels_of_the_music_videos() -> None:
    layouts = channels()
    assert len(layouts) == 1189
    music = [layouts[video] for video in set.union(*parts("ytmusic", 1))]
    assert (music.count("WXY"), music.count("WXYZ")) == (103, 294)


def test_an_unknown_split() -> None:
    with pytest.raises(DataError) as error:
        published_split("ytmusik/1")
    assert str(error.value) == (
        "there is no published split 'ytmusik/1' (did you mean 'ytmusic/1'?)\n  There are ytmusic/1 to ytmusic/3, "
        "ytclean/1 to ytclean/3, ytall/1 to ytall/3, recstreet/1 to recstreet/3."
    )


@pytest.mark.skipif(not LISTS.is_dir(), reason="the authors' lists are not here (../shared/media/yt_subsets)")
@pytest.mark.parametrize("name", SETS)
def test_the_lists_are_those_of_the_authors(name: str) -> None:
    for number in (1, 2, 3):
        files = (LISTS / f"{PUBLISHED[name]}.{part}.{number}.lst" for part in ("train", "test"))
        assert parts(name, number) == tuple(set(file.read_text().split()) for file in files)
    layouts = dict(line.split() for line in (LISTS / "audio_layouts.txt").read_text().splitlines())
    assert channels().items() <= layouts.items()
