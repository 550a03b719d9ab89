"""Shared audio is found whatever was done to the copy, and nothing else is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avspatial.data.check.fingerprint import STEP, Fingerprint, fingerprint
from avspatial.data.check.overlaps import Overlap, find_overlaps
from avspatial.data.simulated.assets import load_assets
from avspatial.data.simulated.render import render_audio
from avspatial.data.simulated.scene import sample_scene
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.media.audio import read_audio
from avspatial.media.resample import resample
from avspatial.media.video import write_video
from avspatial.signal.stereo import to_mono

RATE = 48000
FOA360 = Path(__file__).parents[3] / "../shared/media/foa360/clips"


def music(seed: int, seconds: float = 8.0) -> np.ndarray:
    """Plucked notes at random times over soft noise, (2, T)."""
    random = np.random.default_rng(seed)
    sound = 0.003 * random.standard_normal((2, round(seconds * RATE)))
    after = np.arange(RATE) / RATE
    for begin in np.arange(0, seconds, 0.25) + random.uniform(0, 0.2, round(4 * seconds)):
        pitch, side = 220 * 2 ** (random.integers(0, 25) / 12), random.uniform(0.2, 0.8)
        note = np.exp(-4 * after) * sum(np.sin(2 * np.pi * n * pitch * after) / n for n in (1, 2, 3))
        part = sound[:, round(begin * RATE) :][:, :RATE]
        part += 0.1 * note[: part.shape[1]] * [[side], [1 - side]]
    return sound.astype(np.float32)


def prints(*sounds: np.ndarray, rate: int = RATE) -> list[Fingerprint]:
    return [fingerprint(to_mono(sound), rate) for sound in sounds]


@pytest.fixture
def as_aac(tmp_path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """The sound of an mp4 file: FFmpeg's AAC at its default rate, 128 kbit/s."""

    def encode(sound: np.ndarray) -> np.ndarray:
        frame = np.zeros((16, 16, 3), np.uint8)
        write_video(tmp_path / "copy.mp4", [frame] * round(sound.shape[1] / RATE), 1, sound, RATE)
        return read_audio(tmp_path / "copy.mp4")[0]

    return encode


def test_an_encoded_quieter_copy_is_found(as_aac: Callable[[np.ndarray], np.ndarray]) -> None:
    original = music(1)
    copy = as_aac(10 ** (-10 / 20) * original)
    (found,) = find_overlaps(prints(original, music(2), copy))
    assert (found.first, found.second) == (0, 2)
    assert found.offset == pytest.approx(0, abs=2 * STEP)
    assert found.seconds == pytest.approx(8, abs=0.1)
    assert found.difference < 0.1


def test_a_copy_at_another_rate_is_found() -> None:
    original = music(3)
    one, other = prints(original), prints(resample(original, RATE, 16000), rate=16000)
    (found,) = find_overlaps([*one, *other])
    assert found.difference < 0.02


@pytest.mark.parametrize("begin", [0.4, 0.4064, 3.0])
def test_two_cuts_of_a_recording_are_found_with_their_offset(begin: float) -> None:
    recording = music(4)
    later = recording[:, round(begin * RATE) :]
    (found,) = find_overlaps(prints(recording, later))
    assert found.offset == pytest.approx(begin, abs=STEP)
    assert found.seconds == pytest.approx(8 - begin, abs=0.1)
    (reverse,) = find_overlaps(prints(later, recording))
    assert reverse.offset == pytest.approx(-begin, abs=STEP)


def test_cuts_that_share_five_of_eight_seconds_are_found_after_encoding(
    as_aac: Callable[[np.ndarray], np.ndarray],
) -> None:
    recording = music(5, 11.0)
    (found,) = find_overlaps(prints(recording[:, : 8 * RATE], as_aac(recording[:, 3 * RATE :])))
    assert found.offset == pytest.approx(3, abs=2 * STEP)
    assert found.seconds == pytest.approx(5, abs=0.2)


def test_every_pair_of_several_copies_is_found() -> None:
    original = music(6)
    found = find_overlaps(prints(original, music(7), original, original))
    assert [(overlap.first, overlap.second) for overlap in found] == [(0, 2), (0, 3), (2, 3)]
    assert all(overlap.difference == 0 for overlap in found)


def test_other_audio_shares_nothing() -> None:
    assert find_overlaps(prints(*(music(seed) for seed in range(10, 16)))) == []


def test_silence_is_not_shared() -> None:
    silence = np.zeros((2, 4 * RATE), np.float32)
    assert find_overlaps(prints(silence, silence)) == []
    half = music(8, 4.0)
    sounds = [np.concatenate([silence, half], 1), np.concatenate([silence, music(9, 4.0)], 1)]
    assert find_overlaps(prints(*sounds)) == []


def test_audio_too_short_for_a_word_has_none() -> None:
    assert find_overlaps(prints(music(1, 0.4), music(1, 0.4))) == []
    assert find_overlaps([]) == []


@given(st.integers(0, 2**32 - 1), st.floats(0.7, 4.0))
def test_noise_of_any_length_is_not_shared(seed: int, seconds: float) -> None:
    random = np.random.default_rng(seed)
    sounds = [0.1 * random.standard_normal((2, round(seconds * 8000))) for _ in range(3)]
    assert find_overlaps(prints(*sounds, rate=8000)) == []


@given(st.integers(0, 2**32 - 1), st.integers(0, 5000), st.floats(-40, 0))
def test_noise_is_found_again_at_any_offset_and_gain(seed: int, samples: int, gain: float) -> None:
    noise = 0.1 * np.random.default_rng(seed).standard_normal((2, 16000))
    (found,) = find_overlaps(prints(noise, 10 ** (gain / 20) * noise[:, samples:], rate=8000))
    assert found.offset == pytest.approx(samples / 8000, abs=STEP)


def words(random: np.random.Generator, count: int) -> Fingerprint:
    """Words of which a bit changes as often as in real audio."""
    bits = np.cumsum(random.random((count, 32)) < 0.12, axis=0) % 2
    weak = np.uint32(0b1111) << random.integers(0, 29, count, np.uint32)
    return Fingerprint(np.packbits(bits, axis=1).view(np.uint32).ravel(), weak, np.ones(count, bool))


@pytest.mark.slow
def test_two_thousand_clips_are_compared_in_seconds() -> None:
    random = np.random.default_rng(0)
    clips = [words(random, 750) for _ in range(2000)]
    clips[1500] = Fingerprint(clips[17].words[100:], clips[17].weak[100:], clips[17].sounding[100:])
    begin = time.process_time()
    found = find_overlaps(clips)
    assert time.process_time() - begin < 20
    assert [(overlap.first, overlap.second) for overlap in found] == [(17, 1500)]
    assert found[0] == Overlap(17, 1500, pytest.approx(100 * STEP), pytest.approx(650 * STEP, abs=0.5), 0.0)


def test_a_word_that_is_everywhere_does_not_cost_the_square_of_its_places() -> None:
    same = Fingerprint(np.tile(np.array([7, 9], np.uint32), 375), np.full(750, 15, np.uint32), np.ones(750, bool))
    begin = time.process_time()
    find_overlaps([same] * 400)
    assert time.process_time() - begin < 20


@pytest.mark.slow
def test_simulated_scenes_share_nothing_and_their_encoded_copies_everything(
    as_aac: Callable[[np.ndarray], np.ndarray],
) -> None:
    settings = SimulatedSettings(clips=150, seconds=4.0)
    context = load_assets(settings)
    scenes = (sample_scene(settings, tuple(context.sounds), number) for number in range(settings.clips))
    sounds = [render_audio(context, scene)[0] for scene in scenes]
    originals = prints(*sounds)
    assert find_overlaps(originals) == []
    found = find_overlaps([*originals, *prints(*(as_aac(0.3 * sound) for sound in sounds[:60]))])
    assert [(overlap.first, overlap.second) for overlap in found] == [(n, n + 150) for n in range(60)]


@pytest.mark.slow
@pytest.mark.skipif(not FOA360.is_dir(), reason="the shared 360-degree recordings are not here")
def test_real_recordings_share_nothing_and_their_copies_everything() -> None:
    fields = [read_audio(path)[0] for path in sorted(FOA360.iterdir())]
    originals = [fingerprint(field[0], RATE) for field in fields]
    assert find_overlaps(originals) == []
    copies = [fingerprint(0.3 * field[0, 24000:-100], RATE) for field in fields]
    found = find_overlaps([*originals, *copies])
    assert [(overlap.first, overlap.second) for overlap in found] == [(n, n + len(fields)) for n in range(len(fields))]
