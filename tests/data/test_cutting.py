"""Cutting recordings into clips, and the names of clips."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avspatial.data.cutting import clip_id, clip_starts, shortest

lengths = st.floats(0.05, 30.0)


def test_the_last_short_piece_is_dropped() -> None:
    assert clip_starts(35.0, 10.0, 10.0) == (0.0, 10.0, 20.0)
    assert clip_starts(40.0, 10.0, 10.0) == (0.0, 10.0, 20.0, 30.0)
    assert clip_starts(25.0, 10.0, 5.0) == (0.0, 5.0, 10.0, 15.0)
    assert clip_starts(25.0, 2.0, 20.0) == (0.0, 20.0)


@pytest.mark.parametrize("total", [9.9, 9.984, 10.005, 19.8])
def test_a_file_cut_to_a_round_length_gives_its_clip(total: float) -> None:
    """FAIR-Play's clips of ten seconds last 10.005 s or 9.984 s."""
    assert clip_starts(total, 10.0, 10.0) == (0.0,)


@pytest.mark.parametrize("total", [0.0, 5.0, 9.89])
def test_a_shorter_file_gives_none(total: float) -> None:
    assert clip_starts(total, 10.0, 10.0) == ()


@given(total=st.floats(0.0, 500.0), seconds=lengths, hop=lengths)
def test_clips_lie_in_the_recording_and_overlap_only_if_the_hop_is_short(
    total: float, seconds: float, hop: float
) -> None:
    starts = clip_starts(total, seconds, hop)
    assert (not starts) == (total < shortest(seconds))
    assert all(start + shortest(seconds) <= total + 2e-6 for start in starts)
    steps = [after - before for before, after in pairwise(starts)]
    assert all(abs(step - hop) < 2e-6 for step in steps)
    if starts:  # no clip of full length is left out
        assert starts[0] == 0.0 and starts[-1] + hop + shortest(seconds) > total - 2e-6


@given(starts=st.sets(st.integers(0, 10**11), max_size=20), recording=st.text(max_size=20))
def test_different_starts_have_different_names(starts: set[int], recording: str) -> None:
    names = {clip_id(recording, round(start / 1e6, 6)) for start in starts}
    assert len(names) == len(starts)
    assert all(name.startswith(f"{recording}_") for name in names)


def test_names_sort_by_time() -> None:
    names = [clip_id("a", start) for start in (0.0, 9.5, 10.0, 10.25, 99.9, 100.0, 9999.9)]
    assert names == sorted(names)
