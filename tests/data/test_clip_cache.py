"""The clip store: decoded once, keyed by content and settings, complete or absent, by several processes at once."""

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.films import noise, write_film
from support.full_disk import room
from support.plain_rendering import PANORAMA, RATE, PlainRendering, clip_of, recording

from avspatial.data.clip_cache import ClipStore, cache_root
from avspatial.errors import DataError, MediaError
from avspatial.framing import Window
from avspatial.interfaces import Clip
from avspatial.media.audio import audio_start, read_audio, write_wav
from avspatial.media.image import write_jpeg
from avspatial.media.resample import resample
from avspatial.media.video import grid_images

WINDOW = Window(picture=(12, 16))


def quiet(items: Any, title: str) -> Any:
    return items


def clips_of(root: Path) -> list[Clip]:
    return [Clip(p.stem, p, root / "videos" / f"{p.stem}.mp4", p.stem) for p in sorted(root.glob("*_audios/*.wav"))]


def entries(cache: Path) -> list[str]:
    return sorted(p.name for p in (cache / "clips").iterdir()) if (cache / "clips").exists() else []


def test_a_recording_is_what_the_files_hold(tiny_root: Path, tmp_path: Path) -> None:
    clip = clips_of(tiny_root)[0]
    recording = ClipStore(WINDOW, quiet, tmp_path / "cache").load(clip)
    np.testing.assert_array_equal(recording.audio, resample(*read_audio(clip.audio), 16000))
    np.testing.assert_array_equal(recording.images, grid_images(clip.video, 4, (12, 16)))
    assert recording.clip is clip
    assert (recording.audio.shape, recording.audio.dtype) == ((2, 32000), np.float32)
    assert (recording.images.shape, recording.images.dtype) == ((8, 12, 16, 3), np.uint8)
    assert not recording.audio.flags.writeable
    assert not recording.images.flags.writeable


def test_there_is_a_picture_for_every_moment_of_sound(tiny_root: Path, tmp_path: Path) -> None:
    clip = clips_of(tiny_root)[0]
    write_wav(clip.audio, np.zeros((2, 48000 * 2 + 240), np.float32), 48000)  # 2.005 s: the grid reaches 2.0 s
    recording = ClipStore(WINDOW, quiet, tmp_path / "cache").load(clip)
    assert len(recording.images) == 9
    np.testing.assert_array_equal(recording.images[8], grid_images(clip.video, 10, (12, 16))[19])


def test_work_is_shown_and_goes_on_where_it_stopped(tiny_root: Path, tmp_path: Path, shown: Any) -> None:
    clips = clips_of(tiny_root)
    cache = tmp_path / "cache"
    ClipStore(WINDOW, quiet, cache).prepare(clips[:3])
    made = {name: (cache / "clips" / name / "audio.npy").stat().st_mtime_ns for name in entries(cache)}
    ClipStore(WINDOW, shown, cache).prepare(clips)
    assert shown.bars == [("Decoding clips", 4)]
    assert len(entries(cache)) == 4
    assert made == {name: (cache / "clips" / name / "audio.npy").stat().st_mtime_ns for name in made}


def test_a_copied_or_touched_data_set_finds_its_entries(tiny_root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    ClipStore(WINDOW, quiet, cache).prepare(clips_of(tiny_root))
    before = entries(cache)
    shutil.copytree(tiny_root, tmp_path / "copy", copy_function=shutil.copy)
    os.utime(tiny_root / "videos/000001.mp4", (1, 1))
    ClipStore(WINDOW, quiet, cache).prepare([*clips_of(tmp_path / "copy"), *clips_of(tiny_root)])
    assert entries(cache) == before


def test_a_changed_file_is_decoded_anew(tiny_root: Path, tmp_path: Path, add_clip: Callable) -> None:
    clip = clips_of(tiny_root)[0]
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    before = store.load(clip).audio.copy()
    size = clip.audio.stat().st_size
    add_clip("000001", seed=1)
    assert clip.audio.stat().st_size == size
    assert np.abs(store.load(clip).audio - before).max() > 0.01


@pytest.mark.parametrize("change", [{"rate": 8000}, {"fps": 5.0}, {"picture": (10, 10)}])
def test_other_settings_make_another_entry(tiny_root: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    clip = clips_of(tiny_root)[0]
    ClipStore(WINDOW, quiet, tmp_path / "cache").load(clip)
    ClipStore(WINDOW.model_copy(update=change), quiet, tmp_path / "cache").load(clip)
    assert len(entries(tmp_path / "cache")) == 2


@pytest.mark.parametrize("change", [{"seconds": 0.5}, {"pictures": 2}, {"gain": "reference_stereo"}])
def test_settings_that_do_not_shape_it_share_an_entry(tiny_root: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    clip = clips_of(tiny_root)[0]
    ClipStore(WINDOW, quiet, tmp_path / "cache").load(clip)
    ClipStore(WINDOW.model_copy(update=change), quiet, tmp_path / "cache").load(clip)
    assert len(entries(tmp_path / "cache")) == 1


def test_pictures_may_be_kept_larger_than_the_window(tiny_root: Path, tmp_path: Path) -> None:
    store = ClipStore(WINDOW, quiet, tmp_path / "cache", image_size=(20, 24))
    assert store.load(clips_of(tiny_root)[0]).images.shape == (8, 20, 24, 3)


def test_folders_of_pictures(tiny_root: Path, tmp_path: Path) -> None:
    from PIL import Image

    clip = clips_of(tiny_root)[0]
    folder = tiny_root / "frames" / "000001"
    folder.mkdir(parents=True)
    for number, picture in enumerate(grid_images(clip.video, 10, (24, 32)), start=1):
        Image.fromarray(picture).save(folder / f"{number}.png")
    framed = Clip(clip.id, clip.audio, folder, clip.recording, frames_fps=10)
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    np.testing.assert_allclose(store.load(framed).images.astype(int), store.load(clip).images, atol=1)


def test_the_keys_of_entire_stereo_clips_are_those_of_version_0_1(tiny_root: Path, tmp_path: Path) -> None:
    clip, cache = clips_of(tiny_root)[0], tmp_path / "cache"
    ClipStore(WINDOW, quiet, cache).prepare([clip])
    audio, video = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (clip.audio, clip.video))
    key = {"format": 2, "audio": audio, "video": video, "frames_fps": None, "rate": 16000, "fps": 4.0}
    text = json.dumps({**key, "picture": [12, 16]})
    assert entries(cache) == [hashlib.sha256(text.encode()).hexdigest()[:32]]


def test_excerpts_have_entries_of_their_own(tiny_root: Path, tmp_path: Path) -> None:
    entire = clips_of(tiny_root)[0]
    parts = [replace(entire, start=0.5, seconds=1.0), replace(entire, start=0.5), replace(entire, seconds=1.0)]
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    images = grid_images(entire.video, 4, (12, 16))
    for part, taken in zip(parts, (slice(2, 6), slice(2, 8), slice(0, 4)), strict=True):
        loaded = store.load(part)
        sound, rate = read_audio(part.audio, part.start, part.seconds)
        np.testing.assert_array_equal(loaded.audio, resample(sound, rate, 16000))
        np.testing.assert_array_equal(loaded.images, images[taken])
    assert len(entries(tmp_path / "cache")) == 3


def test_an_excerpt_of_a_folder_of_pictures(tiny_root: Path, tmp_path: Path) -> None:
    entire = clips_of(tiny_root)[0]
    for number, picture in enumerate(grid_images(entire.video, 10, (12, 16))):
        write_jpeg(tmp_path / "frames" / f"{number}.jpg", picture)
    framed = replace(entire, video=tmp_path / "frames", frames_fps=10.0)
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    part = store.load(replace(framed, start=1.0, seconds=0.5))
    np.testing.assert_array_equal(part.images, store.load(framed).images[4:6])


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_the_sound_of_a_video_and_the_images_counted_from_it(tmp_path: Path, start: float) -> None:
    path = write_film(tmp_path / "a.mp4", seconds=3, fps=20, sound=noise(96000, channels=2), begins=0.5)
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    loaded = store.load(Clip("a", path, path, "a", start=start))
    sound, rate = read_audio(path)
    np.testing.assert_array_equal(loaded.audio, resample(sound[:, round(start * rate) :], rate, 16000))
    images = grid_images(path, 4, (12, 16), len(loaded.images), start=start, origin=audio_start(path))
    np.testing.assert_array_equal(loaded.images, images)
    assert audio_start(path) == pytest.approx(0.5, abs=0.03)
    from_video = grid_images(path, 4, (12, 16), len(images), start=start)
    assert np.abs(images.astype(int) - from_video).max() > 50


def test_two_channels_are_needed_of_a_video_too(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", sound=noise(48000))
    with pytest.raises(DataError, match=r"a\.mp4: mono where stereo is needed\n"):
        ClipStore(WINDOW, quiet, tmp_path / "cache").load(Clip("a", path, path, "a"))


def test_a_rendered_recording(tmp_path: Path) -> None:
    path, rendering = recording(tmp_path / "a.mkv", azimuth=30.0), PlainRendering()
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    loaded = store.load(clip_of(path, rendering))
    sound, rate = read_audio(path)
    assert rate == RATE == WINDOW.rate
    np.testing.assert_array_equal(loaded.audio, rendering.stereo(sound, rate))
    np.testing.assert_array_equal(loaded.images, rendering.view(grid_images(path, 4, rendering.panorama, 8), (12, 16)))
    left, right = np.square(loaded.audio).mean(1)
    assert left > 2 * right and loaded.images[..., :8, :].mean() > loaded.images[..., 8:, :].mean() + 50


@pytest.mark.parametrize(
    "other", [PlainRendering(yaw=90.0), PlainRendering(head=False), PlainRendering(random_yaw=True)]
)
def test_another_rendering_makes_another_entry(tmp_path: Path, other: PlainRendering) -> None:
    path, store = recording(tmp_path / "a.mkv", azimuth=30.0), ClipStore(WINDOW, quiet, tmp_path / "cache")
    store.prepare([clip_of(path, PlainRendering()), clip_of(path, other), clip_of(path, PlainRendering())])
    assert len(entries(tmp_path / "cache")) == 2


def test_a_recording_that_is_turned_at_random_is_kept_as_field_and_panoramas(tmp_path: Path) -> None:
    path, cache = recording(tmp_path / "a.mkv", azimuth=30.0), tmp_path / "cache"
    turning = clip_of(path, PlainRendering(random_yaw=True))
    for size in ((12, 16), (24, 32)):  # the size of the views is chosen later
        loaded = ClipStore(WINDOW, quiet, cache, image_size=size).load(turning)
        assert loaded.unrendered is turning.rendering
        np.testing.assert_array_equal(loaded.audio, read_audio(path)[0])
        np.testing.assert_array_equal(loaded.images, grid_images(path, 4, PANORAMA, 8))
    assert len(entries(cache)) == 1
    rendered = ClipStore(WINDOW, quiet, cache, image_size=PANORAMA).load(clip_of(path, PlainRendering()))
    assert rendered.unrendered is None and len(rendered.audio) == 2


def test_an_excerpt_of_a_rendered_recording(tmp_path: Path) -> None:
    path, rendering = recording(tmp_path / "a.mkv", azimuth=30.0), PlainRendering(head=False)
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    entire, part = store.load(clip_of(path, rendering)), store.load(clip_of(path, rendering, 0.5, 1.0))
    np.testing.assert_array_equal(part.audio, entire.audio[:, 8000:24000])
    np.testing.assert_array_equal(part.images, entire.images[2:6])


def test_a_recording_without_a_field(tiny_root: Path, tmp_path: Path) -> None:
    flat = replace(clips_of(tiny_root)[0], rendering=PlainRendering())
    with pytest.raises(DataError, match="2 channels where four are needed"):
        ClipStore(WINDOW, quiet, tmp_path / "cache").load(flat)
    assert entries(tmp_path / "cache") == []


def test_thousands_of_recordings_keep_no_file_open(tiny_root: Path, tmp_path: Path) -> None:
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    clip = clips_of(tiny_root)[0]
    store.load(clip)
    before = len(list(Path("/proc/self/fd").iterdir()))
    kept = [store.load(clip) for _ in range(50)]
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
    assert len(kept) == 50


def _prepare(root: Path, cache: Path, barrier: Any) -> None:
    barrier.wait()
    ClipStore(WINDOW, quiet, cache).prepare(clips_of(root))


def test_several_processes_build_at_once(tiny_root: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    barrier = context.Barrier(2)
    builders = [context.Process(target=_prepare, args=(tiny_root, tmp_path / "cache", barrier)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(60)
    assert [builder.exitcode for builder in builders] == [0, 0]
    assert len(entries(tmp_path / "cache")) == 4


def test_what_a_killed_process_left_is_swept_away(tiny_root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    clip = clips_of(tiny_root)[0]
    store = ClipStore(WINDOW, quiet, cache)
    store.load(clip)
    entry = cache / "clips" / entries(cache)[0]
    entry.rename(entry.with_name(f".{entry.name}.0123abcd.part"))
    assert store.load(clip).audio.shape == (2, 32000)
    assert entries(cache) == [entry.name]


@pytest.mark.parametrize("damage", [lambda f: f.unlink(), lambda f: f.write_bytes(f.read_bytes()[:-5])])
def test_a_damaged_entry_is_decoded_again(tiny_root: Path, tmp_path: Path, damage: Callable) -> None:
    store = ClipStore(WINDOW, quiet, tmp_path / "cache")
    clip = clips_of(tiny_root)[0]
    before = store.load(clip).images.copy()
    damage(tmp_path / "cache" / "clips" / entries(tmp_path / "cache")[0] / "pictures.npy")
    np.testing.assert_array_equal(store.load(clip).images, before)


def test_a_bad_clip_stops_the_work_and_leaves_what_is_done(tiny_root: Path, tmp_path: Path) -> None:
    clips = clips_of(tiny_root)
    video = clips[2].video
    video.write_bytes(video.read_bytes()[:500])
    with pytest.raises(MediaError) as error:
        ClipStore(WINDOW, quiet, tmp_path / "cache").prepare(clips)
    assert str(error.value).startswith(f"{video}: not a readable video (")
    assert len(entries(tmp_path / "cache")) == 2


def test_mono_sound_is_refused(tiny_root: Path, tmp_path: Path) -> None:
    clip = clips_of(tiny_root)[0]
    write_wav(clip.audio, np.zeros((1, 96000), np.float32), 48000)
    with pytest.raises(DataError, match=": mono where stereo is needed\n"):
        ClipStore(WINDOW, quiet, tmp_path / "cache").load(clip)
    assert entries(tmp_path / "cache") == []


def test_a_clip_that_is_gone(tiny_root: Path, tmp_path: Path) -> None:
    clip = clips_of(tiny_root)[0]
    clip.video.unlink()
    with pytest.raises(DataError) as error:
        ClipStore(WINDOW, quiet, tmp_path / "cache").load(clip)
    assert str(error.value) == (
        f"{clip.video}: a clip's file cannot be read (No such file or directory)\n  Copy it there again."
    )


def test_full_disk_leaves_nothing_half_written(tiny_root: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with room(100_000), pytest.raises(DataError) as error:
        ClipStore(WINDOW, quiet, cache).load(clips_of(tiny_root)[0])
    assert str(error.value) == (
        f"{cache}: the clip cache cannot be written (File too large)\n"
        "  Free space there, or set AVSPATIAL_CACHE to a folder on another disk; what is decoded stays."
    )
    assert entries(cache) == []


def test_a_cache_that_cannot_be_a_folder(tiny_root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match=r"/cache: the clip cache cannot be written \((Not a directory|File exists)\)"):
        ClipStore(WINDOW, quiet, tmp_path / "cache").load(clips_of(tiny_root)[0])


def test_the_environment_says_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "here"))
    assert cache_root() == tmp_path / "here"
    assert ClipStore(WINDOW, quiet).cache == tmp_path / "here"
    monkeypatch.delenv("AVSPATIAL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert cache_root() == tmp_path / "user" / "avspatial"


def test_a_filled_cache_that_cannot_be_written_is_read(tiny_root: Path, tmp_path: Path) -> None:
    clips, cache = clips_of(tiny_root), tmp_path / "cache"
    ClipStore(WINDOW, quiet, cache).prepare(clips)
    for folder in ("digests", "locks"):  # files in their place: nothing can be written there, even by root
        shutil.rmtree(cache / folder)
        (cache / folder).touch()
    store = ClipStore(WINDOW, quiet, cache)
    store.prepare(clips)
    assert [store.load(clip).clip for clip in clips] == clips
    with pytest.raises(DataError, match="the clip cache cannot be written"):
        ClipStore(Window(picture=(6, 8)), quiet, cache).prepare(clips)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc on this system")
def test_a_cache_where_no_folder_can_be_made(tiny_root: Path) -> None:
    cache = Path("/proc/avspatial")
    with pytest.raises(DataError, match=r"/proc/avspatial: the clip cache cannot be written \(No such file"):
        ClipStore(WINDOW, quiet, cache).prepare(clips_of(tiny_root))
