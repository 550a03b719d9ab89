"""What is drawn: sides in balance, earlier clips unchanged, everything within the settings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from avspatial.data.layout import PARTS
from avspatial.data.simulated.instruments import INSTRUMENTS
from avspatial.data.simulated.scene import sample_scene, split_of
from avspatial.data.simulated.settings import FAMILIES, SimulatedSettings


def drawn(clips, **more):
    chosen = SimulatedSettings(clips=clips, **more)
    return [sample_scene(chosen, FAMILIES, number) for number in range(clips)]


def test_first_sources_come_in_mirrored_pairs_that_cover_every_angle():
    azimuths = np.array([scene.sources[0].trajectory.middle for scene in drawn(100)])
    assert azimuths[0::2] == pytest.approx(-azimuths[1::2])
    counts, _ = np.histogram(np.abs(azimuths[0::2]), bins=5, range=(0, 55))
    assert counts.min() >= 9
    assert counts.max() <= 11


@pytest.mark.parametrize("clips", [6, 20, 150])
def test_every_split_holds_as_much_left_as_right(clips):
    scenes, splits = drawn(clips), split_of(clips, (0.7, 0.1, 0.2))
    for part in PARTS:
        sides = [
            np.sign(s.sources[0].trajectory.middle) for s, split in zip(scenes, splits, strict=True) if split == part
        ]
        assert sides
        assert sum(sides) == 0


@settings(max_examples=30, deadline=None)
@given(few=st.integers(6, 60), more=st.integers(0, 60), val=st.floats(0.05, 0.4), test=st.floats(0.05, 0.4))
def test_more_clips_leave_the_earlier_ones_in_their_split_and_shares_are_kept(few, more, val, test):
    shares = (1 - val - test, val, test)
    longer = split_of(few + more, shares)
    assert longer[:few] == split_of(few, shares)
    assert set(longer) == set(PARTS)
    if few >= 20:
        for part, share in zip(PARTS, shares, strict=True):
            assert longer.count(part) == pytest.approx(share * len(longer), abs=4)


def test_more_clips_leave_the_earlier_scenes_as_they_are():
    assert drawn(40)[:20] == drawn(20)


def test_another_seed_makes_other_scenes():
    assert drawn(6, seed=1) != drawn(6, seed=2)


@settings(max_examples=40, deadline=None)
@given(
    number=st.integers(0, 10_000),
    seed=st.integers(0, 1000),
    sources=st.sampled_from([(1, 1), (1, 3), (3, 3)]),
    distractors=st.sampled_from([(0, 0), (2, 6)]),
    moving=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_scene_keeps_to_its_settings(number, seed, sources, distractors, moving):
    chosen = SimulatedSettings(
        seed=seed, sources=sources, distractors=distractors, moving=moving, azimuth_limit=50, speed=30
    )
    scene = sample_scene(chosen, FAMILIES, number)
    times = np.linspace(0, 60, 6001)
    silent = [thing for thing in scene.objects if not thing.sounding]
    assert sources[0] <= len(scene.sources) <= sources[1]
    assert distractors[0] <= len(silent) <= distractors[1]
    assert len({source.kind for source in scene.sources}) == len(scene.sources)
    for thing in scene.objects:
        azimuth = thing.trajectory.at(times)
        assert np.abs(azimuth).max() <= 50 + 1e-9
        assert np.abs(np.diff(azimuth)).max() <= 30 * 0.01 + 1e-9
        assert 1.0 <= thing.distance <= 2.0
    assert all(np.ptp(thing.trajectory.at(times)) == 0 for thing in silent)
    if moving == 0:
        assert all(np.ptp(source.trajectory.at(times)) == 0 for source in scene.sources)


def test_silent_objects_are_furniture_or_instruments_as_the_settings_say():
    def kinds(share):
        scenes = drawn(30, distractors=(2, 2), silent_instruments=share)
        return {thing.kind for scene in scenes for thing in scene.objects if not thing.sounding}

    assert kinds(0.0) == {"box", "plant"}
    assert kinds(1.0) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sound_is_nearly_continuous_and_has_energy_where_a_head_casts_a_shadow(family):
    rate = 48000
    sound = INSTRUMENTS[family](np.random.default_rng(3), 4 * rate, rate)
    levels = 10 * np.log10((sound.reshape(-1, rate // 10) ** 2).mean(-1))
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / rate)
    assert np.mean(sound**2) == pytest.approx(1)
    assert levels.min() > -20
    assert power[(frequency > 500) & (frequency < 8000)].sum() > 0.3 * power.sum()
    assert power[(frequency > 150) & (frequency < 8000)].sum() > 0.9 * power.sum()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_generator_makes_the_same_sound(family):
    first, again, other = (INSTRUMENTS[family](np.random.default_rng(seed), 9600, 48000) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


IMPOSSIBLE = [
    ({"azimuth_limit": 70}, "field_of_view", "must be more than twice azimuth_limit (70 degrees), not 120"),
    ({"sources": (1, 4)}, "sources", "needs [least, most] within 1 and 3, not [1, 4]"),
    ({"distractors": (3, 1)}, "distractors", "needs [least, most] within 0 and 6, not [3, 1]"),
    ({"distance": (0.1, 1)}, "distance", "needs [least, most] within 0.25 and 20, not [0.1, 1]"),
    ({"shares": (0.5, 0.5, 0.5)}, "shares", "train, val and test must be above 0 and add up to 1, not [0.5, 0.5, 0.5]"),
    ({"picture": (143, 256)}, "picture", "height and width must be even and within 32 and 2160, not [143, 256]"),
]


@pytest.mark.parametrize(("values", "key", "message"), IMPOSSIBLE)
def test_impossible_settings_are_refused(values, key, message):
    with pytest.raises(ValidationError) as caught:
        SimulatedSettings(**values)
    assert [(p["loc"], p["msg"]) for p in caught.value.errors()] == [((key,), f"Value error, {message}")]
