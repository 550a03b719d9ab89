"""Windows: which pictures belong to which samples; batches that are pure functions of (seed, epoch, index)."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_rendering import RATE, PlainRendering, panoramas

from avspatial.data.clip_cache import Recording
from avspatial.data.settings import Augmentation
from avspatial.data.windows import TrainingWindows, image_indices
from avspatial.errors import DataError
from avspatial.framing import Framing, Window
from avspatial.interfaces import Batch, Clip
from avspatial.signal.ambisonics import encode

WINDOW = Window(seconds=0.25, rate=8000, fps=8.0, pictures=2, picture=(6, 8))
FRAMING = Framing(window=WINDOW)
LOUD = Augmentation(flip=0.5, brightness=0.3, colour=0.3)


def recording(number: int, seconds: float = 2.0, picture: tuple[int, int] = (6, 8), level: float = 0.1) -> Recording:
    rng = np.random.default_rng(number)
    audio = (level * rng.standard_normal((2, round(seconds * WINDOW.rate)))).astype(np.float32)
    pictures = rng.integers(0, 256, (max(1, round(seconds * WINDOW.fps)), *picture, 3), np.uint8)
    clip = Clip(str(number), Path(f"{number}.wav"), Path(f"{number}.mp4"), str(number))
    return Recording(clip, audio, pictures)


RECORDINGS = [recording(k) for k in range(5)]


def _tensors(batch: Batch) -> tuple[torch.Tensor, ...]:
    return batch.mixture, batch.reference, batch.images


def equal(first: Batch, second: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(_tensors(first), _tensors(second), strict=True))


@pytest.mark.parametrize(
    ("start", "expected"),
    [(0.0, [0, 1, 2, 3]), (0.1, [1, 2, 3, 4]), (0.25, [1, 2, 3, 4]), (0.26, [2, 3, 4, 5]), (9.005, [37, 38, 39, 40])],
)
def test_sagm_takes_the_pictures_nearest_to_the_quarter_centres(start: float, expected: list[int]) -> None:
    assert image_indices(start, Window(), 41).tolist() == expected


def test_a_single_picture_is_the_one_in_the_middle() -> None:
    mono2binaural = Window(seconds=0.63, fps=10, pictures=1, picture=(224, 448))
    assert image_indices(1.0, mono2binaural, 100).tolist() == [13]


@given(st.integers(0, 16000 * 9))
def test_mono2binaural_takes_the_picture_of_its_formula(start: int) -> None:
    """The file's number in its code, with windows of 0.63 s on a clip of 10 s; halves rounded by Python left out."""
    window = Window(seconds=0.63, fps=10, pictures=1, picture=(224, 448), picture_choice="last")
    tenths = (start + 5040) / 1600
    number = round((start / 16000 + 0.315 + 0.05) * 10)
    if (start + 5040) % 1600:
        assert image_indices(start / 16000, window, 100).tolist() == [min(number, 100) - 1]
    assert image_indices(start / 16000, window, 100)[0] == min(int(tenths), 99)


def test_all_windows_of_a_clip_share_few_groups_of_images() -> None:
    starts = [0.1 * k for k in range(91)] + [9.005]
    groups = {tuple(image_indices(start, Window(), 41)) for start in starts}
    assert len(groups) <= 41


windows = st.builds(
    Window,
    seconds=st.floats(0.1, 10),
    fps=st.floats(0.5, 60),
    pictures=st.integers(1, 16),
    picture=st.just((8, 8)),
)


@given(st.floats(0, 100), windows, st.integers(1, 500))
def test_picture_indices_ascend_within_the_clip(start: float, window: Window, count: int) -> None:
    indices = image_indices(start, window, count)
    assert len(indices) == window.pictures
    assert (np.diff(indices) >= 0).all()
    assert indices.min() >= 0
    assert indices.max() < count


@given(st.floats(0, 100), st.floats(0, 5), windows)
def test_later_windows_see_later_pictures(start: float, later: float, window: Window) -> None:
    assert (image_indices(start + later, window, 10**6) >= image_indices(start, window, 10**6)).all()


@given(st.floats(0, 100), windows)
def test_no_other_picture_is_nearer_to_the_centre(start: float, window: Window) -> None:
    centres = start + window.seconds * (np.arange(window.pictures) + 0.5) / window.pictures
    off = np.abs(image_indices(start, window, 10**6) / window.fps - centres)
    assert (off <= 0.5 / window.fps + 1e-5).all()


def test_shapes_and_ranges() -> None:
    batch = TrainingWindows(RECORDINGS, FRAMING, 0, LOUD).batch(0, [3, 1, 4])
    assert batch.mixture.shape == (3, 2000)
    assert batch.reference.shape == (3, 2, 2000)
    assert batch.images.shape == (3, 2, 3, 6, 8)
    assert all(tensor.dtype == torch.float32 and tensor.is_contiguous() for tensor in _tensors(batch))
    assert 0 <= batch.images.min() <= batch.images.max() <= 1


def test_sound_and_pictures_come_from_one_moment() -> None:
    """Sample t of the clip is t itself, picture k is k: so both tell when the window starts."""
    audio = np.arange(16000, dtype=np.float32)[None].repeat(2, 0)
    pictures = np.arange(16, dtype=np.uint8)[:, None, None, None] * np.ones((6, 8, 3), np.uint8)
    clip = Recording(RECORDINGS[0].clip, audio, pictures)
    windows = TrainingWindows([clip], FRAMING, 0)
    for epoch in range(20):
        batch = windows.batch(epoch, [0])
        step = (batch.reference[0, 0, 1] - batch.reference[0, 0, 0]).item()
        start = round((batch.reference[0, 0, 0] / step).item())
        assert 0 <= start <= 14000
        seen = (batch.images[0, :, 0, 0, 0] * 255).round().int().tolist()
        assert seen == image_indices(start / WINDOW.rate, WINDOW, 16).tolist()


def test_windows_start_anywhere_in_the_clip() -> None:
    audio = np.linspace(1, 2, 16000, dtype=np.float32)[None].repeat(2, 0)
    windows = TrainingWindows([Recording(RECORDINGS[0].clip, audio, RECORDINGS[0].images)], FRAMING, 0)
    ratios = [(b.reference[0, 0, -1] / b.reference[0, 0, 0]).item() for b in (windows.batch(e, [0]) for e in range(99))]
    starts = (1 / (np.array(ratios) - 1) * 2000 / 16000 - 1) * 16000
    assert starts.min() < 1000
    assert starts.max() > 13000


def test_the_mixture_is_the_sum_of_the_reference() -> None:
    batch = TrainingWindows(RECORDINGS, FRAMING, 0, LOUD).batch(0, range(5))
    torch.testing.assert_close(batch.mixture, batch.reference.sum(1))


def test_every_window_is_at_the_level_of_training() -> None:
    windows = TrainingWindows([recording(k, level=10.0**-k) for k in range(4)], FRAMING, 0)
    batch = windows.batch(0, range(4))
    torch.testing.assert_close(batch.mixture.square().mean(1).sqrt(), torch.full((4,), windows.mixture_rms))


def test_reference_gain_brings_the_stereo_to_its_level() -> None:
    framing = Framing(window=WINDOW.model_copy(update={"gain": "reference_stereo"}))
    batch = TrainingWindows(RECORDINGS, framing, 0).batch(0, range(5))
    torch.testing.assert_close(batch.reference.square().mean((1, 2)).sqrt(), torch.full((5,), 0.1))


@pytest.mark.parametrize(("right", "expected"), [("equal", 0.2), ("unrelated", 0.1414), ("silent", 0.1414)])
def test_mixture_rms_of_known_sounds(right: str, expected: float) -> None:
    left, other = np.random.default_rng(0).standard_normal((2, 80000)).astype(np.float32) * 0.02
    audio = np.stack([left, {"equal": left, "unrelated": other, "silent": 0 * left}[right]])
    clip = Recording(RECORDINGS[0].clip, audio, RECORDINGS[0].images)
    assert TrainingWindows([clip], FRAMING, 0).mixture_rms == pytest.approx(expected, rel=0.01)


def test_held_out_windows_are_at_the_level_of_training() -> None:
    """Their own level would need their true stereo; a model in use has the training set's."""
    wide = [recording(k) for k in range(3)]
    narrow = Recording(wide[0].clip, wide[0].audio[[0, 0]], wide[0].images)
    level = TrainingWindows(wide, FRAMING, 0).mixture_rms
    held_out = TrainingWindows([narrow], FRAMING, 0, fixed=True, mixture_rms=level)
    assert held_out.batch(0, [0]).mixture.square().mean().sqrt().item() == pytest.approx(level, rel=1e-4)
    assert level < 0.15 < TrainingWindows([narrow], FRAMING, 0, fixed=True).mixture_rms


def test_silence_stays_silence_and_does_not_enter_the_level() -> None:
    silent = Recording(RECORDINGS[0].clip, np.zeros((2, 16000), np.float32), RECORDINGS[0].images)
    windows = TrainingWindows([*RECORDINGS, silent], FRAMING, 0)
    assert windows.mixture_rms == TrainingWindows(RECORDINGS, FRAMING, 0).mixture_rms
    assert windows.batch(0, [5]).reference.abs().max() == 0
    assert TrainingWindows([silent], FRAMING, 0).mixture_rms == pytest.approx(0.1414, rel=1e-3)


def test_a_clip_shorter_than_a_window_is_followed_by_silence() -> None:
    short = recording(9, seconds=0.1)
    batch = TrainingWindows([short], FRAMING, 0).batch(3, [0])
    sound = torch.from_numpy(short.audio)
    scale = batch.reference[0, 0, 0] / sound[0, 0]
    torch.testing.assert_close(batch.reference[0, :, :800], sound * scale)
    assert batch.reference[0, :, 800:].abs().max() == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6), st.permutations(range(5)))
def test_windows_depend_on_seed_epoch_and_index_alone(seed: int, epoch: int, order: list[int]) -> None:
    together = TrainingWindows(RECORDINGS, FRAMING, seed, LOUD).batch(epoch, order)
    windows = TrainingWindows(RECORDINGS, FRAMING, seed, LOUD)
    windows.batch(epoch + 1, [2])
    for row, index in enumerate(order):
        alone = windows.batch(epoch, [index])
        torch.testing.assert_close(alone.reference[0], together.reference[row], rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(alone.images[0], together.images[row], rtol=0, atol=1e-6)


def test_the_same_batch_twice_is_the_same_to_the_bit() -> None:
    first = TrainingWindows(RECORDINGS, FRAMING, 7, LOUD)
    assert equal(first.batch(2, [4, 0]), TrainingWindows(RECORDINGS, FRAMING, 7, LOUD).batch(2, [4, 0]))


@pytest.mark.parametrize("other", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_another_seed_epoch_or_index_is_another_window(other: tuple[int, int, int]) -> None:
    same_clip = [RECORDINGS[0]] * 2
    seed, epoch, index = other
    first = TrainingWindows(same_clip, FRAMING, 0).batch(0, [0])
    assert not equal(first, TrainingWindows(same_clip, FRAMING, seed).batch(epoch, [index]))


@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6), st.integers(1, 60))
def test_an_epoch_visits_every_window_once(seed: int, epoch: int, count: int) -> None:
    windows = TrainingWindows([RECORDINGS[0]] * count, FRAMING, seed)
    assert len(windows) == count
    assert sorted(windows.order(epoch)) == list(range(count))
    assert (windows.order(epoch) == windows.order(epoch)).all()


def test_epochs_differ_in_order() -> None:
    windows = TrainingWindows([RECORDINGS[0]] * 20, FRAMING, 0)
    assert len({tuple(windows.order(epoch)) for epoch in range(10)}) == 10


def test_fixed_windows_are_the_same_in_every_epoch_and_spread_over_the_clip() -> None:
    windows = TrainingWindows(RECORDINGS, FRAMING, 0, LOUD, fixed=True, per_clip=4)
    assert len(windows) == 20
    assert windows.order(3).tolist() == list(range(20))
    assert equal(windows.batch(0, range(20)), windows.batch(9, range(20)))
    sound = RECORDINGS[0].audio[0]
    for index, row in enumerate(windows.batch(0, range(4)).reference):
        start = int((index + 0.5) / 4 * 14001)
        cut = torch.tensor(sound[start : start + 2000])
        torch.testing.assert_close(row[0], cut * (row[0, 0] / cut[0]))


def batch_with(**augmentation: Any) -> Batch:
    return TrainingWindows(RECORDINGS, FRAMING, 3, Augmentation(**augmentation)).batch(1, range(5))


def test_flip_swaps_pictures_and_channels_together() -> None:
    plain, flipped = batch_with(), batch_with(flip=1.0)
    assert torch.equal(flipped.images, plain.images.flip(-1))
    assert torch.equal(flipped.reference, plain.reference.flip(1))
    assert torch.equal(flipped.mixture, plain.mixture)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 1000))
def test_flip_is_an_involution(seed: int, epoch: int) -> None:
    mirrored = [Recording(r.clip, r.audio[::-1].copy(), r.images[:, :, ::-1].copy()) for r in RECORDINGS]
    twice = TrainingWindows(mirrored, FRAMING, seed, Augmentation(flip=1.0)).batch(epoch, range(5))
    assert equal(twice, TrainingWindows(RECORDINGS, FRAMING, seed).batch(epoch, range(5)))


def test_half_of_the_windows_flip() -> None:
    one = [RECORDINGS[0]] * 200
    plain = TrainingWindows(one, FRAMING, 0).batch(0, range(200))
    half = TrainingWindows(one, FRAMING, 0, Augmentation(flip=0.5)).batch(0, range(200))
    unchanged = (half.reference == plain.reference).all(-1).all(-1).float().mean()
    assert 0.35 < unchanged < 0.65


def test_brightness_multiplies_an_entire_window() -> None:
    plain, bright = batch_with(), batch_with(brightness=0.3)
    ratio = bright.images / plain.images.clamp_min(1e-3)
    inside = (bright.images < 0.999) & (plain.images > 0.05)
    factors = [ratio[row][inside[row]] for row in range(5)]
    assert all(f.std() < 1e-3 and 0.7 <= f.mean() <= 1.3 for f in factors)
    assert len({round(f.mean().item(), 3) for f in factors}) == 5
    assert torch.equal(plain.reference, bright.reference)


def test_colour_moves_between_grey_and_vivid_and_keeps_the_luma() -> None:
    dull = [Recording(r.clip, r.audio, r.images // 4 + 96) for r in RECORDINGS]  # nothing is clipped
    plain = TrainingWindows(dull, FRAMING, 3).batch(1, range(5)).images
    vivid = TrainingWindows(dull, FRAMING, 3, Augmentation(colour=0.5)).batch(1, range(5)).images
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    luma = (plain * weights).sum(2, keepdim=True)
    torch.testing.assert_close((vivid * weights).sum(2, keepdim=True), luma, rtol=0, atol=1e-5)
    spread = [((v - y).norm() / (p - y).norm()).item() for p, v, y in zip(plain, vivid, luma, strict=True)]
    assert all(0.5 <= s <= 1.5 for s in spread)
    assert max(spread) - min(spread) > 0.1


def test_grey_pictures_stay_grey() -> None:
    grey = [Recording(r.clip, r.audio, r.images[..., :1].repeat(3, -1)) for r in RECORDINGS]
    plain = TrainingWindows(grey, FRAMING, 0).batch(0, range(5)).images
    torch.testing.assert_close(
        TrainingWindows(grey, FRAMING, 0, Augmentation(colour=1.0)).batch(0, range(5)).images, plain
    )


def test_larger_pictures_are_cut_at_random_and_all_of_a_window_alike() -> None:
    column = np.arange(13, dtype=np.uint8) * 3
    line = np.arange(9, dtype=np.uint8) * 40 // 3
    pictures = np.zeros((16, 9, 13, 3), np.uint8)
    pictures[..., 0], pictures[..., 1] = column, line[:, None]
    large = Recording(RECORDINGS[0].clip, RECORDINGS[0].audio, pictures)
    windows = TrainingWindows([large] * 60, FRAMING, 0)
    images = (windows.batch(0, range(60)).images * 255).round()
    lefts = (images[:, :, 0, 0, 0] / 3).int()
    assert (lefts[:, 0] == lefts[:, 1]).all()
    assert set(lefts[:, 0].tolist()) == set(range(6))
    assert len(set(images[:, 0, 1, 0, 0].tolist())) == 4
    middle = TrainingWindows([large], FRAMING, 0, fixed=True).batch(0, [0]).images
    assert (middle[0, 0, 0, 0, 0] * 255 / 3).round() == 3


def test_smaller_images_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"^images are stored at \(4, 4\), smaller than \(6, 8\)$"):
        TrainingWindows([recording(0, picture=(4, 4))], FRAMING, 0).batch(0, [0])


def test_no_recordings_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"^windows need at least one recording$"):
        TrainingWindows([], FRAMING, 0)


def turning(azimuth: float, seconds: float = 2.0, *, head: bool = True) -> Recording:
    """A recording whose noise and bright bar are at `azimuth`, to be turned anew for each window."""
    sound = 0.05 * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    images = np.stack(panoramas(azimuth, round(8 * seconds)))
    rendering = PlainRendering(random_yaw=True, head=head)
    clip = Clip("turning", Path("a.mkv"), Path("a.mkv"), "turning", rendering=rendering)
    return Recording(clip, encode(sound, azimuth).astype(np.float32), images)


ROUND = Framing(window=Window(seconds=0.25, rate=RATE, fps=8.0, pictures=2, picture=(12, 16)))


def rendered(recording: Recording, yaw: float, size: tuple[int, int] = (12, 16)) -> Recording:
    """The entire recording at one yaw."""
    plain = PlainRendering(head=recording.clip.rendering.head)
    audio, images = plain.stereo(recording.audio, RATE, yaw), plain.view(recording.images, size, yaw)
    return Recording(replace(recording.clip, rendering=None), audio, images)


def yaws(seed: int, epoch: int, count: int) -> list[float]:
    """The seventh draw of each window."""
    streams = [np.random.Philox(np.random.SeedSequence((seed, epoch, index))) for index in range(count)]
    return [360 * np.random.Generator(stream).random(7)[6] - 180 for stream in streams]


@pytest.mark.parametrize("augmentation", [{}, {"flip": 0.5, "brightness": 0.3, "store": (15, 20)}])
@pytest.mark.parametrize("head", [False, True])
def test_a_turned_window_is_that_of_the_entire_recording_turned(head: bool, augmentation: dict[str, Any]) -> None:
    recording, change = turning(20.0, head=head), Augmentation(**augmentation)
    batch = TrainingWindows([recording] * 12, ROUND, 5, change).batch(2, range(12))
    for index, yaw in enumerate(yaws(5, 2, 12)):
        turned = [rendered(recording, yaw, change.store or (12, 16))] * 12
        expected = TrainingWindows(turned, ROUND, 5, change).batch(2, [index])
        scale = expected.reference[0].norm() / batch.reference[index].norm()
        torch.testing.assert_close(batch.reference[index] * scale, expected.reference[0], rtol=0, atol=1e-5)
        torch.testing.assert_close(batch.images[index], expected.images[0], rtol=0, atol=1e-6)


def test_sound_and_images_turn_together() -> None:
    """Where the bar is in the view, it is on the side of the louder ear."""
    batch = TrainingWindows([turning(0.0, head=False)] * 60, ROUND, 0).batch(0, range(60))
    left, right = batch.reference.square().mean(-1).T
    columns = batch.images.mean((1, 2, 3))
    side = columns[:, :8].mean(1) - columns[:, 8:].mean(1)
    clear = side.abs() > 0.1
    assert (side > 0.1).sum() > 3 and (side < -0.1).sum() > 3
    assert torch.equal((left > right)[clear], (side > 0)[clear])


def test_every_yaw_is_as_likely() -> None:
    """W + Y and W - Y of a source at azimuth 0 at a yaw y: the difference is -sin y of the mixture."""
    batch = TrainingWindows([turning(0.0, seconds=0.5, head=False)] * 300, ROUND, 0).batch(0, range(300))
    difference = batch.reference[:, 0] - batch.reference[:, 1]
    sines = (difference * batch.mixture).sum(1) / batch.mixture.square().sum(1)
    found = np.sort(sines.numpy())
    expected = np.sort([-np.sin(np.radians(yaw)) for yaw in yaws(0, 0, 300)])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    uniform = np.sin(np.pi * (np.arange(300) + 0.5) / 300 - np.pi / 2)
    assert np.abs(found - uniform).max() < 0.15


def test_the_flip_of_a_turned_window_mirrors_the_view_and_exchanges_the_ears() -> None:
    recordings = [turning(30.0)] * 8
    plain = TrainingWindows(recordings, ROUND, 1).batch(0, range(8))
    flipped = TrainingWindows(recordings, ROUND, 1, Augmentation(flip=1.0)).batch(0, range(8))
    assert torch.equal(flipped.images, plain.images.flip(-1))
    assert torch.equal(flipped.reference, plain.reference.flip(1))


def test_a_turned_recording_shorter_than_a_window_is_followed_by_silence() -> None:
    batch = TrainingWindows([turning(30.0, seconds=0.2)], ROUND, 0).batch(0, [0])
    assert batch.reference[0, :, :3200].abs().min(1)[0].max() < 0.1 < batch.reference.abs().max()
    assert not batch.reference[0, :, 3200:].any()


def test_the_level_of_turned_recordings_is_that_at_a_yaw_of_0() -> None:
    recordings = [turning(30.0), turning(-100.0)]
    plain = [rendered(recording, 0.0) for recording in recordings]
    assert TrainingWindows(recordings, ROUND, 0).mixture_rms == TrainingWindows(plain, ROUND, 0).mixture_rms


def test_the_draw_of_a_yaw_leaves_the_other_draws_as_they_were() -> None:
    """The digest of these images was taken of version 0.1."""
    large = [recording(number, picture=(9, 13)) for number in range(5)]
    images = TrainingWindows(large, FRAMING, 7, Augmentation(flip=0.5)).batch(3, range(5)).images
    digest = hashlib.sha256((images * 255).round().to(torch.uint8).numpy().tobytes()).hexdigest()
    assert digest == "1ce9bc644a2d5c6748a9fa6ac1d3f940abf2f1656a6db10b0dca928962d0374e"


def test_a_held_out_recording_is_never_turned_at_random() -> None:
    with pytest.raises(DataError) as error:
        TrainingWindows([RECORDINGS[0], turning(0.0)], ROUND, 0, fixed=True)
    assert str(error.value) == (
        "data: clip turning has a random yaw, but validation and test clips are never turned at random\n"
        "  The data set must give `random_yaw` to the clips of its training split alone."
    )
