"""The panner puts sound where its track says, keeps the mixture, and needs no training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from avspatial_panner.spatializer import masks
from avspatial_panner.tracks import azimuth_of, motion, places, read_track
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from avspatial.cli.main import main
from avspatial.data.clip_cache import ClipStore
from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.errors import DataError, RecipeError
from avspatial.framing import Framing
from avspatial.inference.overlap_add import spatialize
from avspatial.media.video import write_video
from avspatial.media.webvtt import Direction, vtt
from avspatial.metrics.azimuth_estimator import AzimuthEstimator
from avspatial.metrics.direction import azimuth_error
from avspatial.progress import silent
from avspatial.recipe.schema import Inference
from avspatial.registry import Registry, discover
from avspatial.signal import stereo
from avspatial.signal.head import SphericalHead
from avspatial.testing import conformance

HOME = Path(__file__).parents[1]
KEMAR = Path("/usr/share/libmysofa/default.sofa")
FRAMING = Framing.model_validate(
    {"window": {"fps": 10, "pictures": 10, "picture": [36, 64]}, "stft": {"n_fft": 512, "window": 400, "hop": 160}}
)
STILL = np.zeros((1, 36, 64, 3), np.uint8)

test_contract = conformance("panner.panner", plugins=[HOME])


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([HOME])


@pytest.fixture(scope="module")
def estimator() -> AzimuthEstimator:
    return AzimuthEstimator(SphericalHead(), 16000)


def build(registry: Registry, framing: Framing = FRAMING, **settings: Any) -> Any:
    entry = registry.get("spatializer", "panner.panner")
    chosen = entry.settings_class().model_validate(settings)
    return entry.target_class()(chosen, framing=framing, builder=registry).eval()


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_left_and_right_have_the_heads_ratio_and_add_up_to_the_mixture() -> None:
    mask = masks(SphericalHead(), FRAMING, limit=1e6)[180 + 40].numpy()
    frequencies = np.arange(FRAMING.bins) * 16000 / FRAMING.stft.n_fft
    left, right = np.fft.rfft(SphericalHead().responses([40], 16000, 128)[0], 512)[:, :-1]
    assert np.allclose((1 + mask) / (1 - mask), left / right, rtol=1e-3)
    assert np.all(np.abs(1 + mask)[frequencies > 300] > np.abs(1 - mask)[frequencies > 300])


def test_no_mask_is_beyond_the_limit() -> None:
    assert masks(SphericalHead(), FRAMING, limit=1e6).abs().max() > 5
    assert masks(SphericalHead(), FRAMING, limit=2).abs().max() == pytest.approx(2, rel=1e-5)


def test_a_true_track_is_reproduced_within_three_degrees(
    registry: Registry, estimator: AzimuthEstimator, tmp_path: Path
) -> None:
    settings = SimulatedSettings(root=tmp_path / "scenes", clips=6, seconds=2, sources=(1, 1), moving=1.0)
    scenes = SimulatedScenes(settings, progress=silent)
    scenes.prepare()
    store = ClipStore(FRAMING.window, silent, image_size=None)
    clips = scenes.clips("test")
    store.prepare(clips)
    for clip in clips:
        assert clip.truth is not None
        lines = [f"{(k + 0.5) / clip.truth.rate},{angle}" for k, angle in enumerate(clip.truth.azimuth[0])]
        track = write(tmp_path / f"{clip.id}.csv", "time,azimuth\n" + "\n".join(lines))
        recording = store.load(clip)
        panner = build(registry, track=track)
        made = spatialize(panner, recording.audio, recording.images, Inference()).numpy()
        assert azimuth_error(made, recording.audio, 16000, clip.truth, estimator) < 3


@given(st.integers(-90, 90))
def test_mirrored_angles_exchange_the_ears(azimuth: int) -> None:
    mask = masks_at(azimuth)
    assert torch.allclose(mask, -masks_at(-azimuth), atol=1e-4)


BANK = masks(SphericalHead(), FRAMING, limit=4)


def masks_at(azimuth: int) -> torch.Tensor:
    return BANK[180 + azimuth]


def write_sofa(path: Path, lead: int, louder: float, rate: int = 48000) -> Path:
    """A head of two clicks at every 30 degrees: on its left the left ear leads by `lead` samples, and is `louder` times
    the right one; on its right the other way round."""
    azimuths = np.arange(0, 360, 30.0)
    side = np.sign(np.round(np.sin(np.radians(azimuths)), 6))
    responses = np.zeros((len(azimuths), 2, 64))
    for row, toward in enumerate(side):
        responses[row, 0, 20] = louder**toward
        responses[row, 1, round(20 + lead * toward)] = 1
    with h5py.File(path, "w") as file:
        file["Data.IR"] = responses
        file["Data.SamplingRate"] = [float(rate)]
        file["SourcePosition"] = np.stack([azimuths, np.zeros(12), np.ones(12)], -1)
    return path


def test_a_sofa_file_is_the_head_that_hears(registry: Registry, tmp_path: Path) -> None:
    head = write_sofa(tmp_path / "head.sofa", lead=6, louder=2.0)
    noise = torch.randn(1, 32000, generator=torch.Generator().manual_seed(0)) / 10
    for azimuth, sign in ((60, 1), (-60, -1)):
        panner = build(registry, azimuth=azimuth, head=head, limit=100)
        left, right = spatialize(panner, noise, STILL, Inference()).numpy()[:, 4000:-4000]
        spectra = np.fft.rfft(left), np.fft.rfft(right)
        cross = np.fft.irfft(spectra[0].conj() * spectra[1], 8 * len(left))  # eight times finer
        frequencies = np.arange(len(spectra[0])) * 16000 / len(left)
        band = (frequencies > 200) & (frequencies < 6000)
        levels = [np.sqrt(np.square(np.abs(one[band])).mean()) for one in spectra]
        assert 20 * np.log10(levels[0] / levels[1]) == pytest.approx(sign * 6.02, abs=0.5)
        late = int(np.argmax(cross))
        late = late - len(cross) if late > len(cross) // 2 else late
        assert late / 8 == pytest.approx(sign * 6 / 3, abs=0.25)  # 6 samples at 48 kHz are 2 at 16 kHz
        assert np.allclose(left + right, 2 * noise[0, 4000:-4000].numpy(), atol=1e-4)


@pytest.mark.skipif(not KEMAR.exists(), reason="no MIT KEMAR here: apt-get install libmysofa1")
def test_kemar_hears_a_source_on_the_left_on_the_left(registry: Registry) -> None:
    noise = torch.randn(1, 32000, generator=torch.Generator().manual_seed(0)) / 10
    left, right = spatialize(build(registry, azimuth=60, head=KEMAR), noise, STILL, Inference()).square().mean(1)
    assert 10 * math.log10(left / right) > 6


def test_a_missing_sofa_file(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        build(registry, azimuth=60, head=tmp_path / "head.sofa")
    assert str(error.value).startswith(f"{tmp_path / 'head.sofa'}: ")


def test_one_long_pass_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Motion is compared with the sound within each window."""
    write_video(tmp_path / "in.mp4", list(np.zeros((10, 32, 32, 3), np.uint8)), 10, np.ones((1, 16000)) / 10, 16000)
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(HOME))
    assert main(["spatialize", str(tmp_path / "in.mp4"), "--run", "panner_demo", "--mode", "continuous"]) == 2
    assert capsys.readouterr().err == (
        "error: mode continuous: this model can only process single windows\n"
        "  Omit --mode: `exact` works with every model.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_window_hears_the_track_at_its_own_time(registry: Registry, tmp_path: Path) -> None:
    panner = build(registry, track=write(tmp_path / "t.csv", "0,-60\n4,-60\n4.1,60\n8,60\n"))
    noise = torch.randn(1, 8 * 16000, generator=torch.Generator().manual_seed(0)) / 10
    made = spatialize(panner, noise, STILL, Inference())
    early, late = made[:, :48000].square().mean(1), made[:, -48000:].square().mean(1)
    assert early[1] > 2 * early[0] and late[0] > 2 * late[1]
    assert torch.allclose(stereo.mixture(made), 2 * noise[0], atol=1e-4)


def test_motion_that_goes_with_the_sound_wins_over_other_motion(registry: Registry) -> None:
    mixture = torch.randn(1, 16000, generator=torch.Generator().manual_seed(0)) * 0.01
    for beat in (3200, 8000, 12800):
        mixture[:, beat : beat + 1600] *= 30
    images = torch.full((1, 10, 3, 36, 64), 0.3)
    for k in (2, 5, 8):
        images[:, k, :, 10:20, 8:14] = 0.9  # struck with the sound, left
    for k in (0, 1, 4, 7, 9):
        images[:, k, :, 10:20, 50:56] = 0.6  # moves by itself, right
    place = places(motion(images), mixture)[0]
    assert place[[1, 4, 7]].mean() < -0.3
    mirrored = places(motion(images.flip(-1)), mixture)[0]
    assert torch.allclose(place, -mirrored, atol=1e-4)
    assert build(registry, field_of_view=90)(mixture, images)[0].square().mean(1).diff() < 0


def test_nothing_that_moves_is_straight_ahead() -> None:
    still = torch.rand(1, 1, 3, 36, 64).expand(1, 10, 3, 36, 64)
    assert places(motion(still), torch.randn(1, 16000)).abs().max() == 0


def test_places_become_azimuths_by_the_cameras_angle() -> None:
    assert azimuth_of(torch.tensor([-1.0, 0.0, 1.0]), 90).tolist() == pytest.approx([45, 0, -45])
    assert azimuth_of(torch.tensor([0.5]), 90).item() == pytest.approx(-math.degrees(math.atan(0.5)))


def test_cues_of_half_a_second_are_points_and_long_ones_hold_their_angle(tmp_path: Path) -> None:
    short = write(tmp_path / "s.vtt", vtt([Direction(0, 0.5, 10), Direction(0.5, 1, 20)]))
    assert read_track(short) == ([0.25, 0.75], [10, 20])
    long = write(tmp_path / "l.vtt", vtt([Direction(0, 4, 10)]))
    assert read_track(long) == ([0.25, 3.75], [10, 10])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "{path}: holds no angle\n  Write lines such as 0.5,30: seconds, degrees to the left."),
        (
            "time,azimuth\n0,left\n",
            "{path}:2: not a time and an azimuth: '0,left'\n"
            "  Each line has a time in seconds and an azimuth within -180 and 180 degrees, positive is left.",
        ),
        ("0,1\n0,2\n", "{path}: its times do not rise\n  Sort its lines by time, each time once."),
    ],
)
def test_a_wrong_csv(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", text)
    with pytest.raises(DataError) as error:
        read_track(path)
    assert str(error.value) == message.format(path=path)


@pytest.mark.parametrize(
    "text",
    [
        "0,-60\n0.5,60.5\n",
        "time;azimuth\n0;-60\n0.5;60.5\n",
        "0\t-60\n0.5\t60.5\n",
        "0,0;-60\n0,5;60,5\n",
        "0,0\t-60\n0,5\t60,5\n",
    ],
)
def test_a_track_from_a_spreadsheet(text: str, tmp_path: Path) -> None:
    assert read_track(write(tmp_path / "t.csv", text)) == ([0, 0.5], [-60, 60.5])


def test_an_angle_and_a_track_at_once_are_refused(registry: Registry) -> None:
    with pytest.raises(ValidationError, match="give either azimuth or track; the other is null"):
        build(registry, azimuth=30, track="motion")


def test_settings_read_back_as_they_were_written(registry: Registry) -> None:
    for given_ in ({}, {"azimuth": 30}, {"track": "a.csv"}):
        chosen = registry.get("spatializer", "panner.panner").settings_class().model_validate(given_)
        assert type(chosen).model_validate(chosen.model_dump(mode="json")) == chosen


def test_too_few_pictures_for_motion_are_refused(registry: Registry) -> None:
    framing = FRAMING.model_copy(update={"window": FRAMING.window.model_copy(update={"pictures": 2})})
    with pytest.raises(RecipeError, match="motion cannot be followed in 2 pictures"):
        build(registry, framing)
    assert build(registry, framing, azimuth=30).encode_images(torch.zeros(1, 2, 3, 36, 64)) is None
