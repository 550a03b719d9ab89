"""Directions as WebVTT cues: a round trip, and errors that name the line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avspatial.errors import DataError
from avspatial.media.webvtt import Direction, read_directions, vtt

TENTHS = st.integers(-1800, 1800).map(lambda tenths: tenths / 10)


@given(st.lists(TENTHS, min_size=1, max_size=5), st.integers(0, 10**7))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, angles: list[float], start: int) -> None:
    path = tmp_path_factory.mktemp("vtt") / "track.vtt"
    cues = [Direction(start / 1000 + k, start / 1000 + k + 0.5, angle) for k, angle in enumerate(angles)]
    path.write_text(vtt(cues), encoding="utf-8")
    found = read_directions(path)
    assert [cue.azimuth for cue in found] == angles
    assert [cue.start for cue in found] == pytest.approx([cue.start for cue in cues], abs=6e-4)


def test_the_text_is_that_of_the_format() -> None:
    assert vtt([Direction(3599.5, 3600, -12.34)]) == "WEBVTT\n\n00:59:59.500 --> 01:00:00.000\nazimuth: -12.3\n"


def test_comments_names_and_settings_of_cues_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "track.vtt"
    path.write_text("WEBVTT - mine\n\nNOTE by hand\n\nfirst\n00:01.000 --> 00:02.000 align:start\nazimuth: 30\n")
    assert read_directions(path) == [Direction(1, 2, 30)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n00:01,000 --> 00:02,000\nx\n", "{path}: not a WebVTT file: its first line is not WEBVTT"),
        (
            "WEBVTT\n\n00:01 --> 00:02\nazimuth: 3\n",
            "{path}:3: not the times of a cue: '00:01 --> 00:02'\n  Write times as 00:00:01.000 --> 00:00:01.500.",
        ),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
            "{path}:4: not a direction: 'Hello'\n"
            "  Write one line such as `azimuth: 30.0`, degrees within -180 and 180, positive is left.",
        ),
        ("WEBVTT\n\n00:02.000 --> 00:01.000\nazimuth: 3\n", "{path}:3: the cue ends before it begins"),
    ],
)
def test_errors_name_the_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "track.vtt"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_directions(path)
    assert str(error.value) == message.format(path=path)
