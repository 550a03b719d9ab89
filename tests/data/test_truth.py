"""True directions of real recordings: a csv of azimuths, masks of objects, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

import avspatial
from avspatial.data.fairplay import FairPlay
from avspatial.data.object_masks import mask_azimuth
from avspatial.data.settings import FairPlaySettings, TruthSettings
from avspatial.data.simulated.camera import column
from avspatial.data.truth_table import RATE, REACH, read_truth_table
from avspatial.errors import AvspatialError, DataError, MediaError
from avspatial.interfaces import Clip, Truth
from avspatial.progress import silent

FIX = "\n  Write clip,time,azimuth[,energy]: an id, seconds from its beginning, degrees (positive is left), a power."


def csv(folder: Path, *lines: str) -> Path:
    path = folder / "truth.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def clip(seconds: float, name: str = "a") -> Clip:
    return Clip(name, Path("none.wav"), Path("none.mp4"), name, seconds=seconds)


def truth_of(path: Path, seconds: float) -> Truth:
    truth = read_truth_table(path).truth(clip(seconds))
    assert truth is not None
    assert truth.rate == RATE
    return truth


def fairplay(root: Path, truth: Any, **others: Any) -> FairPlay:
    return FairPlay(FairPlaySettings.model_validate({"root": str(root), "truth": truth, **others}), progress=silent)


def test_a_row_holds_around_its_time(tmp_path: Path) -> None:
    truth = truth_of(csv(tmp_path, "clip,time,azimuth,energy", "a,0.125,30,2", "a,0.375,-40.5,3"), 0.5)
    assert truth.azimuth.tolist() == [[30.0] * 5 + [-40.5] * 5]
    assert truth.energy.tolist() == [[2.0] * 5 + [3.0] * 5]


def test_what_no_row_covers_has_no_energy(tmp_path: Path) -> None:
    lines = [f"a,{time:.2f},20" for time in (0.0, 0.1, 0.2, 0.9, 1.0)]
    truth = truth_of(csv(tmp_path, "clip,time,azimuth", *lines), 2.0)
    times = (np.arange(40) + 0.5) / RATE
    covered = (times < 0.28) | ((times > 0.82) & (times < 1.08))
    assert truth.energy.tolist() == [covered.astype(float).tolist()]
    assert truth.azimuth.tolist() == [(20.0 * covered).tolist()]


def test_rows_of_one_time_are_sources_in_any_order_of_times(tmp_path: Path) -> None:
    lines = ["a,0.15,-10,1", "a,0.05,60,2", "a,0.05,-60,4", "b,0.05,1,1"]
    truth = truth_of(csv(tmp_path, "clip,time,azimuth,energy", *lines), 0.2)
    assert truth.azimuth.tolist() == [[60, 60, -10, -10], [-60, -60, 0, 0]]
    assert truth.energy.tolist() == [[2, 2, 1, 1], [4, 4, 0, 0]]


def test_without_times_directions_hold_for_the_entire_clip(tmp_path: Path) -> None:
    truth = truth_of(csv(tmp_path, "azimuth;clip", "12,5;a", "-90;a"), 1.0)
    assert truth.azimuth.tolist() == [[12.5] * 20, [-90.0] * 20]
    assert truth.energy.tolist() == [[1.0] * 20] * 2


@settings(max_examples=60)
@given(
    times=st.lists(st.floats(0, 9.9).map(lambda time: round(time, 2)), min_size=2, max_size=30, unique=True),
    seconds=st.floats(10, 12),
)
def test_every_moment_has_the_nearest_row_or_none(
    times: list[float], seconds: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    azimuths = np.linspace(-170, 170, len(times))
    rows = [f"a,{time},{azimuth!r}" for time, azimuth in zip(times, azimuths.tolist(), strict=True)]
    truth = truth_of(csv(tmp_path_factory.mktemp("times"), "clip,time,azimuth", *rows), seconds)
    reach = REACH * float(np.median(np.diff(sorted(times))))
    assert abs(truth.azimuth.shape[1] / RATE - seconds) <= 0.5 / RATE + 1e-9
    for index, (azimuth, energy) in enumerate(zip(truth.azimuth[0], truth.energy[0], strict=True)):
        away = np.abs(np.array(times) - (index + 0.5) / RATE)
        if energy:
            assert away.min() <= reach + 1e-6
            assert away[azimuths == azimuth] <= away.min() + 1e-9
        else:
            assert away.min() >= reach - 1e-6


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["clip,time,angle", "a,0,3"], ": has no column azimuth; it has clip, time, angle\n  The first line names the "
         "columns: clip,azimuth and, if wanted, time,energy."),
        (["clip,time,azimuth", "a,0,left"], ":2: azimuth must be a number from -180 to 180, not 'left'" + FIX),
        (["clip,time,azimuth", "a,0,0", "a,1,270"], ":3: azimuth must be a number from -180 to 180, not '270'" + FIX),
        (["clip,time,azimuth", "a,-1,0"], ":2: time must be a number of 0 or more, not '-1'" + FIX),
        (["clip,time,azimuth", "a,nan,0"], ":2: time must be a number of 0 or more, not 'nan'" + FIX),
        (["clip,azimuth,energy", "a,3,inf"], ":2: energy must be a number of 0 or more, not 'inf'" + FIX),
        (["clip,time,azimuth", "a,0,0", "a,,0"], ":3: no time in this line, though others have one\n  Write it."),
        (["clip,time,azimuth", "a,0,0", ",1,0"], ":3: no clip in this line\n  Write it, or remove the line."),
        (["clip,time,azimuth"], ": lists no direction" + FIX),
        (["clip,time,azimuth", "a,2,0", "b,3,0"], ": each clip has a single time, so nothing says how long its "
         "direction holds\n  Leave the column time out: directions then hold for the entire clip."),
    ],
)  # fmt: skip
def test_errors_of_a_csv_name_the_line(lines: list[str], message: str, tmp_path: Path) -> None:
    path = csv(tmp_path, *lines)
    with pytest.raises(DataError) as error:
        read_truth_table(path)
    assert str(error.value) == f"{path}{message}"


def test_a_row_after_the_end_of_its_clip(tiny_root: Path, tmp_path: Path) -> None:
    path = csv(tmp_path, "clip,time,azimuth", "000004,1.5,10", "000004,2.0,10", "000004,2.6,10")
    with pytest.raises(DataError) as error:
        fairplay(tiny_root, str(path)).clips("test")
    assert str(error.value) == (
        f"{path}:4: time 2.6 s is after the end of clip 000004 (2.00 s)\n"
        "  Times are counted from the clip's own beginning."
    )


def test_clips_get_their_truth_and_one_note_counts_the_others(
    tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv(tmp_path, "clip,azimuth,energy", "000004,30,1", "000002,-30,1", "000001,5,0", "nobody,5,1")
    dataset = fairplay(tiny_root, str(path))
    found = {clip.id: clip.truth for part in ("train", "val", "test") for clip in dataset.clips(part)}
    assert [name for name, truth in found.items() if truth is not None] == ["000002", "000004"]
    fairplay(tiny_root, str(path)).prepare()
    assert capsys.readouterr().err == (
        f"note: {path}: directions of 2 of 4 clips; none of 000001, 000003; not in the data: nobody\n"
    )


def test_directions_of_none_of_the_clips(tiny_root: Path, tmp_path: Path) -> None:
    path = csv(tmp_path, "clip,azimuth", "4,30")
    with pytest.raises(DataError) as error:
        fairplay(tiny_root, str(path)).prepare()
    assert str(error.value) == (
        f"{path}: has directions of none of the clips: there is 4 here, 000001 in the data\n  Name clips by their ids."
    )


def test_the_fingerprint_is_that_of_the_truth_too(tiny_root: Path, tmp_path: Path) -> None:
    plain = FairPlay(FairPlaySettings(root=str(tiny_root)), progress=silent).fingerprint()
    path = csv(tmp_path, "clip,azimuth", "000004,30")
    first = fairplay(tiny_root, str(path)).fingerprint()
    csv(tmp_path, "clip,azimuth", "000004,31")
    assert len({plain, first, fairplay(tiny_root, str(path)).fingerprint()}) == 3


@given(azimuth=st.floats(-55, 55), field_of_view=st.floats(60, 150), width=st.integers(100, 900))
def test_a_mask_is_where_a_pinhole_camera_projects_its_azimuth(
    azimuth: float, field_of_view: float, width: int
) -> None:
    middle = float(column(azimuth, width, field_of_view))
    mask = np.zeros((20, width), bool)
    mask[5:9, max(0, int(middle) - 2) : max(0, int(middle) + 3)] = True
    if 3 < middle < width - 3:
        around = [mask_azimuth(np.roll(mask, shift, 1), field_of_view) for shift in (1, -1)]
        assert around[0] < azimuth < around[1]  # columns are integers, the azimuth is not


@given(azimuth=st.floats(-180, 180), width=st.integers(100, 900), half=st.integers(0, 20))
def test_a_mask_in_a_panorama_may_lie_across_its_edges(azimuth: float, width: int, half: int) -> None:
    middle = round(width * (0.5 - azimuth / 360) - 0.5)
    mask = np.zeros((10, width), bool)
    mask[3:6, np.arange(middle - half, middle + half + 1) % width] = True
    found = mask_azimuth(mask, 360)
    assert found is not None
    assert abs((found - azimuth + 180) % 360 - 180) <= 180 / width + 1e-6


def test_an_empty_mask_has_no_azimuth() -> None:
    assert mask_azimuth(np.zeros((4, 8), bool), 90) is None
    assert mask_azimuth(np.ones((4, 8), bool), 360) is None


def save_mask(folder: Path, name: str, columns: slice, size: tuple[int, int] = (24, 32), mode: str = "L") -> Path:
    folder.mkdir(exist_ok=True)
    mask = np.zeros(size, np.uint16 if mode == "I;16" else np.uint8)
    mask[4:8, columns] = 1
    image = Image.fromarray(mask * (255 if mode == "1" else 1))
    (image if mode == "I;16" else image.convert(mode)).save(folder / f"{name}.png")
    return folder / f"{name}.png"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1", "I;16"])
def test_masks_of_any_kind_become_constant_directions(mode: str, tiny_root: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    save_mask(masks, "000004", slice(0, 16), mode=mode)
    save_mask(masks, "000004_violin", slice(16, 32), mode=mode)
    save_mask(masks, "000003", slice(0, 0), mode=mode)
    dataset = fairplay(tiny_root, {"masks": str(masks), "field_of_view": 90})
    (clip,) = dataset.clips("test")
    quarter = np.degrees(np.arctan(0.5))  # half of 45 degrees in the picture, not in angle
    assert clip.truth is not None
    np.testing.assert_allclose(clip.truth.azimuth, [[quarter] * 40, [-quarter] * 40])
    assert clip.truth.energy.tolist() == [[1.0] * 40] * 2
    assert dataset.clips("val")[0].truth is None


def test_the_longer_id_claims_a_mask(tiny_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("000004_1", "000004_1_b", "000004", "000009"):
        save_mask(tmp_path / "masks", name, slice(0, 4))
    save_mask(tmp_path / "masks" / "day_2", "one_0010.5_left", slice(0, 4))
    from avspatial.data.object_masks import find_masks

    masks = find_masks(tmp_path / "masks", 90, {"000004", "000004_1", "000001", "day_2/one_0010.5"})
    assert {clip: [file.name for file in files] for clip, files in masks.files.items()} == {
        "000004": ["000004.png"],
        "000004_1": ["000004_1.png", "000004_1_b.png"],
        "day_2/one_0010.5": ["one_0010.5_left.png"],
    }
    assert masks.others == ["000009.png"]


def test_masks_that_do_not_fit(tiny_root: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    truth = {"masks": str(masks), "field_of_view": 90}
    fix = "\n  Give a folder of masks: ID.png, or ID_*.png for several objects of a clip."
    with pytest.raises(DataError) as error:
        fairplay(tiny_root, truth).prepare()
    assert str(error.value) == f"{masks}: no such folder of masks{fix}"
    masks.mkdir()
    with pytest.raises(DataError) as error:
        fairplay(tiny_root, truth).prepare()
    assert str(error.value) == f"{masks}: holds no png file{fix}"
    wide = save_mask(masks, "000004", slice(0, 4), (16, 32))
    with pytest.raises(DataError) as error:
        fairplay(tiny_root, truth).clips("test")
    assert str(error.value) == (
        f"{wide}: 32 x 16 pixels, not the shape of the video (1.33 times as wide as high)\n"
        f"  Make it from frames of {tiny_root / 'videos/000004.mp4'} that are neither cropped nor stretched."
    )
    wide.write_bytes(b"no png")
    with pytest.raises(MediaError) as error:
        fairplay(tiny_root, truth).prepare()
    assert str(error.value) == f"{wide}: is not a readable png image\n  Save it again as png."


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "needs either csv or masks"),
        ({"csv": "a.csv", "masks": "m", "field_of_view": 90}, "needs either csv or masks"),
        ({"masks": "m"}, "masks need field_of_view, the horizontal angle of the camera"),
        ({"csv": "a.csv", "field_of_view": 90}, "field_of_view belongs to masks; a csv holds angles"),
        ({"masks": "m", "field_of_view": 200}, "field_of_view must be below 180 degrees, or 360 for equirectangular"),
    ],
)
def test_truth_is_a_csv_or_masks_with_an_angle(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TruthSettings.model_validate(value)


RECIPE = """\
schema: 1
name: known
data: {use: fairplay, root: ROOT, truth: TRUTH}
window: {seconds: 1.0, picture: [32, 32]}
model: {use: panner, azimuth: 40}
trainer: {use: supervised, steps: 1}
metrics: [left_right, lateral_gain, azimuth_error]
"""


def test_a_run_on_recordings_scores_directions(
    tiny_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The left channels of the recordings are twice as loud; the panner turns the mixture to 40 degrees left."""
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    path = csv(tmp_path, "clip,time,azimuth", *(f"000004,{time},40" for time in np.arange(0, 2, 0.1).round(1)))
    recipe = tmp_path / "known.yaml"
    recipe.write_text(RECIPE.replace("ROOT", str(tiny_root)).replace("TRUTH", str(path)))
    done = avspatial.run(recipe, runs=tmp_path / "runs", device="cpu", progress=silent)
    means = {name: {metric: one.mean for metric, one in row.items()} for name, row in done.summary.conditions.items()}
    assert {name: means[name]["left_right"] for name in ("model", "reference", "mono", "swapped")} == {
        "model": 1.0,
        "reference": 1.0,
        "mono": 0.0,
        "swapped": 0.0,
    }
    assert means["mono"]["azimuth_error"] == pytest.approx(40, abs=1)
    assert means["model"]["azimuth_error"] < 8
    assert means["swapped"]["lateral_gain"] == pytest.approx(-1)
    again = avspatial.evaluate(done.path, progress=silent)
    assert again.summary.conditions["model"]["left_right"].mean == 1.0


def test_an_error_in_the_setting_has_its_place(tmp_path: Path) -> None:
    recipe = tmp_path / "known.yaml"
    recipe.write_text(RECIPE.replace("ROOT", "x").replace("TRUTH", "{masks: m, field_of_view: 500}"))
    with pytest.raises(AvspatialError) as error:
        avspatial.run(recipe, runs=tmp_path / "runs")
    assert "known.yaml:3:" in str(error.value)
    assert "data.truth.field_of_view: must be at most 360 degrees, not 500" in str(error.value)
