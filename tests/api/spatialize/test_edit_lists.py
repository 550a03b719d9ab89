"""Edit lists that hide, repeat or reorder what an mp4 file stores: the same frames are shown, or the file refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.films import moving, try_spatialize
from support.odd_times import edited, lag, rumble

from avspatial.api.load import Trained

Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]
RATE = 48000


@pytest.fixture(scope="module")
def plain(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s with frames of both directions, a key frame every 1.2 s (x264's B-frames), and a sound without repetition."""
    path = tmp_path_factory.mktemp("edit") / "plain.mp4"
    return film(path, fps=25, pictures=moving(100), sound=rumble(4), tag="avc1")


def shown(path: Path) -> list[tuple[float, bytes]]:
    """Time, s, and samples of each frame that a player shows."""
    with av.open(str(path)) as container:
        return [(round(frame.time, 3), frame.to_ndarray().tobytes()) for frame in container.decode(video=0)]


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("frames", [40, 41, 42, 43])
def test_a_trim_shows_the_same_frames(
    plain: Path, read_track: ReadTrack, trained: Trained, tmp_path: Path, frames: int, suffix: str
) -> None:
    part = (frames / 25, 1.32)
    source = edited(plain, tmp_path / "in.mp4", [part], [part])
    assert len(shown(source)) == frames
    result = try_spatialize(source, trained, out=tmp_path / f"out.{suffix}")
    assert result.error == ""
    assert shown(result.out) == shown(source)
    samples, reader = read_track(result.out)
    assert samples.shape[1] == frames * RATE // 25 and reader.start == 0
    after = [lag(samples.mean(0), rumble(4)[0, round(1.32 * RATE) :], RATE, at) for at in (0.1, 1.1)]
    assert after == pytest.approx([0, 0], abs=0.001)


def test_the_original_audio_is_trimmed_too(plain: Path, trained: Trained, tmp_path: Path) -> None:
    source = edited(plain, tmp_path / "in.mp4", [(1.6, 1.32)], [(1.6, 1.32)])
    result = try_spatialize(source, trained, keep_original=True)
    with av.open(str(source)) as before, av.open(str(result.out)) as after:
        kept = [frame.pts for frame in before.decode(audio=0)], [frame.pts for frame in after.decode(audio=1)]
    assert kept[0] == kept[1]


def test_a_cut_away_end_does_not_come_back_in_any_container(plain: Path, trained: Trained, tmp_path: Path) -> None:
    source = edited(plain, tmp_path / "in.mp4", [(2.0, 0)], [(2.0, 0)])
    frames = shown(source)
    for suffix in ("mp4", "mov"):
        assert shown(try_spatialize(source, trained, out=tmp_path / f"out.{suffix}").out) == frames


def test_what_a_container_cannot_hide_is_refused(plain: Path, trained: Trained, tmp_path: Path) -> None:
    source = edited(plain, tmp_path / "in.mp4", [(1.6, 1.32)], [(1.6, 1.32)])
    error = try_spatialize(source, trained, out=tmp_path / "out.mkv").error
    head, fix = error.split("\n")
    assert head.startswith(f"{source}: its edit list hides ")
    assert head.endswith(" stored video frames, which .mkv cannot hide")
    assert fix == "  Give an output that ends in .mp4 or .mov: -o NAME.mp4."
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize(
    "edits",
    [
        [(1.0, 0.0), (1.0, 2.0)],
        [(1.0, 0.0), (1.0, 0.0)],
        [(1.0, 2.0), (1.0, 0.0)],
        [(0.6, 0.2), (0.6, 1.4), (0.6, 2.8)],
    ],
    ids=["two parts", "a part twice", "in another order", "three parts"],
)
def test_several_parts_are_refused_with_the_way_out(
    plain: Path, trained: Trained, tmp_path: Path, edits: list[tuple[float, float]]
) -> None:
    source = edited(plain, tmp_path / "in.mp4", edits, edits)
    assert try_spatialize(source, trained).error == (
        f"{source}: its edit list plays several parts of its video, which is only copied\n"
        f"  Make a plain copy first: ffmpeg -i {source} -crf 16 PLAIN.mp4"
    )
    assert list(tmp_path.iterdir()) == [source]
