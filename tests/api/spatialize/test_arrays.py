"""`avspatial.spatialize_arrays`: the result of a file, from arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

import avspatial
from avspatial.api.load import Trained
from avspatial.errors import AvspatialError
from avspatial.inference.files.arrays import check_audio
from avspatial.progress import no_display

Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]
RATE = 48000


def spatialized(trained: Trained, audio: Any, rate: int, pictures: Any, **options: Any) -> np.ndarray:
    return avspatial.spatialize_arrays(audio, rate, pictures, trained, progress=no_display, **options)


def decoded(path: Path, sound_start: float) -> tuple[list[np.ndarray], list[float]]:
    """The pictures of a film, as they come out of FFmpeg, and their times from the start of the sound."""
    with av.open(str(path)) as container:
        frames = [(frame.to_ndarray(format="rgb24"), frame.time - sound_start) for frame in container.decode(video=0)]
    return [picture for picture, _ in frames], [time for _, time in frames]


@pytest.mark.parametrize("mode", ["exact", "continuous"])
@pytest.mark.parametrize("channels", [1, 2])
def test_arrays_give_the_samples_of_the_file(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path, channels: int, mode: str
) -> None:
    random = np.random.default_rng(channels)
    sound = 0.05 * random.standard_normal((channels, 2 * RATE)).astype(np.float32)
    source = film(tmp_path / "in.mp4", seconds=2, fps=25, sound=sound, begins=0.3)
    (result,) = avspatial.spatialize(source, trained, progress=no_display, width_percent=120, mode=mode).results
    assert result.done is not None
    after, _ = read_track(result.out)
    before, reader = read_track(source)
    pictures, times = decoded(source, reader.start)
    found = spatialized(trained, before, RATE, pictures, times=times, width_percent=120, mode=mode)
    assert found.dtype == np.float32 and np.abs(found[0] - found[1]).max() > 0.01
    scaled = np.float32(result.done.level.factor) * found
    np.testing.assert_array_equal(np.rint(scaled.astype(np.float64) * 2**23), after.astype(np.float64) * 2**23)


def test_pictures_come_from_a_video_file_too(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    source = film(tmp_path / "in.mp4", seconds=1)
    before, _ = read_track(source)
    pictures, times = decoded(source, 0.0)
    by_file = spatialized(trained, before, RATE, source)
    np.testing.assert_array_equal(by_file, spatialized(trained, before, RATE, pictures, times=times))
    np.testing.assert_array_equal(by_file, spatialized(trained, before[0], RATE, np.stack(pictures), fps=10))
    tensors = torch.from_numpy(before), RATE, torch.from_numpy(np.stack(pictures))
    np.testing.assert_array_equal(by_file, spatialized(trained, *tensors, fps=10))


@pytest.mark.parametrize("rate", [8000, 22050])
def test_the_mono_sound_is_kept_and_silence_stays_silent(trained: Trained, rate: int) -> None:
    random = np.random.default_rng(rate)
    sound = (0.1 * random.standard_normal((2, 9001))).astype(np.float32)
    pictures = random.integers(0, 256, (12, 40, 48, 3), dtype=np.uint8)
    found = spatialized(trained, sound, rate, pictures, fps=10)
    np.testing.assert_allclose(found.mean(0), sound.mean(0), atol=1e-6)
    np.testing.assert_array_equal(spatialized(trained, 0 * sound, rate, pictures, fps=10), np.zeros((2, 9001)))


def test_no_more_pictures_are_asked_for_than_the_sound_is_long(trained: Trained) -> None:
    asked = 0

    def endless() -> Any:
        nonlocal asked
        while True:
            asked += 1
            yield np.full((32, 32, 3), asked % 256, np.uint8)

    assert spatialized(trained, np.ones(4000, np.float32) / 9, 8000, endless(), fps=20).shape == (2, 4000)
    assert asked <= 0.5 * 20 + 1


def test_bfloat16_audio_is_taken_as_it_is() -> None:
    audio = torch.linspace(-1, 1, 9, dtype=torch.bfloat16)
    np.testing.assert_array_equal(check_audio(audio), audio.float().numpy()[None])


SOUND = np.ones(4000, np.float32)
SHOWN = np.zeros((6, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("audio", "pictures", "options", "message"),
    [
        (np.ones(9, np.int16), SHOWN, {"fps": 10}, "audio: its samples are int16; floating point in [-1, 1] is needed\n"
         "  Divide 16 bit samples by 32768."),
        (np.ones((3, 9)), SHOWN, {"fps": 10}, "audio: needs (T,), (1, T) or (2, T), got (3, 9)"),
        (np.ones(0), SHOWN, {"fps": 10}, "audio: needs (T,), (1, T) or (2, T), got (0,)"),
        (np.array([np.nan]), SHOWN, {"fps": 10}, "audio: has samples that are NaN or infinite"),
        (SOUND, SHOWN, {}, "frames: needs either fps, above 0, or times, in seconds"),
        (SOUND, SHOWN, {"fps": 10, "times": [0]}, "frames: needs either fps, above 0, or times, in seconds"),
        (SOUND, SHOWN, {"fps": 0}, "frames: needs either fps, above 0, or times, in seconds"),
        (SOUND, SHOWN[..., 0], {"fps": 10}, "frames: frame 0 is uint8 (32, 32); uint8 (H, W, 3) is needed"),
        (SOUND, SHOWN / 255, {"fps": 10}, "frames: frame 0 is float64 (32, 32, 3); uint8 (H, W, 3) is needed"),
        (SOUND, SHOWN, {"times": [0, 0.2, 0.1, 1, 2, 3]}, "times: frame 2 comes at 0.1 s, after one at 0.2 s\n"
         "  Give one ascending time for each frame."),
        (SOUND, SHOWN, {"times": [0, 0.1]}, "times: frame 2 has no time\n"
         "  Give one ascending time for each frame."),
        (SOUND, SHOWN[:0], {"fps": 10}, "frames: no frame was given"),
        (SOUND, "film.mp4", {"fps": 10}, "frames: a video file has its own time stamps\n"
         "  Omit fps and times."),
        (SOUND, "film.mp4", {}, "film.mp4: no such video file"),
        (SOUND, SHOWN, {"fps": 10, "width_percent": 151}, "width: the width is 151 %; it can be 0 to 150"),
        (SOUND, SHOWN, {"fps": 10, "rate": 0}, "rate: the rate is 0; an integer number of Hz, at least 1, is needed"),
    ],
)  # fmt: skip
def test_unusable_input_is_refused(
    trained: Trained,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    audio: Any,
    pictures: Any,
    options: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AvspatialError) as error:
        spatialized(trained, audio, options.pop("rate", 8000), pictures, **options)
    assert str(error.value) == message


def test_times_may_be_an_array(trained: Trained) -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    pictures = np.stack([np.full((32, 32, 3), 20 * number, np.uint8) for number in range(10)])
    times = np.arange(10) / 10
    by_array = spatialized(trained, sound, RATE, pictures, times=times)
    np.testing.assert_array_equal(by_array, spatialized(trained, sound, RATE, pictures, times=list(times)))


def test_arguments_that_are_no_numbers_are_refused(trained: Trained) -> None:
    sound, pictures = np.full(8000, 0.1), np.zeros((5, 32, 32, 3), np.uint8)
    for audio, rate, shown, fps, where in (
        (sound, np.nan, pictures, 10, "rate"),
        (sound, "16000", pictures, 10, "rate"),
        (sound, 16000, pictures, "10", "frames"),
        (sound, 16000, pictures, np.inf, "frames"),
        (sound, 16000, None, 10, "frames"),
        (np.full(8000, 1e300), 16000, pictures, 10, "audio"),
    ):
        with pytest.raises(AvspatialError) as refused:
            spatialized(trained, audio, rate, shown, fps=fps)
        assert str(refused.value).startswith(f"{where}: ")
