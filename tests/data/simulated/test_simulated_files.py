"""The files of simulated scenes: what is on disk is what was drawn, complete, once, and the same every time."""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from avspatial.data.simulated.camera import column
from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.errors import DataError
from avspatial.media.audio import read_audio
from avspatial.media.video import grid_images
from avspatial.metrics.direction import left_right
from avspatial.progress import silent
from avspatial.signal.head import SphericalHead

KEMAR = Path("/usr/share/libmysofa/default.sofa")


def contents(folder):
    """Every file under a folder by its relative name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_the_layout_is_fairplays(ready):
    clips = [clip for part in ("train", "val", "test") for clip in ready.clips(part)]
    assert sorted(clip.id for clip in clips) == [f"{number:06d}" for number in range(1, 7)]
    for clip in clips:
        info = soundfile.info(clip.audio)
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (48000, 2, "PCM_16", 48000)
        with av.open(str(clip.video)) as video:
            assert video.streams.video[0].codec_context.name == "h264"
            assert video.streams.audio[0].codec_context.name == "aac"
            assert (video.streams.video[0].height, video.streams.video[0].width) == (72, 128)
            assert video.streams.video[0].frames == 10


def test_the_truth_comes_with_every_clip(ready):
    lines = [json.loads(line) for line in (ready.root / "scenes.jsonl").read_text().splitlines()]
    for clip in ready.clips("train"):
        line = lines[int(clip.id) - 1]
        assert line["clip"] == clip.id
        assert clip.truth.rate == 20
        assert clip.truth.azimuth.shape == clip.truth.energy.shape == (len(line["sources"]), 20)
        assert np.abs(clip.truth.azimuth).max() <= 55
        assert all(1 <= source["distance"] <= 2 for source in line["sources"])


def test_the_same_settings_give_the_same_bytes_and_more_clips_leave_the_earlier_ones(tmp_path, scenes, ready):
    again, longer = scenes(tmp_path / "again"), scenes(tmp_path / "longer", clips=8)
    again.prepare()
    longer.prepare()
    first, more = contents(ready.root), contents(longer.root)
    assert contents(again.root) == first
    assert again.fingerprint() == ready.fingerprint() != longer.fingerprint()
    media = [name for name in first if name.startswith(("videos", "binaural"))]
    assert len(media) == 12
    assert all(more[name] == first[name] for name in media)
    assert more["scenes.jsonl"].startswith(first["scenes.jsonl"])


def test_what_is_there_is_not_rendered_again(scenes, ready):
    before = {path: path.stat().st_mtime_ns for path in ready.root.rglob("*")}
    scenes(ready.root).prepare()
    assert {path: path.stat().st_mtime_ns for path in ready.root.rglob("*")} == before


def test_audible_visible_and_written_azimuths_are_one(tmp_path, scenes):
    """From the files alone: the time between the ears by Woodworth, the place in the picture by the pinhole."""
    made = scenes(tmp_path / "set", sources=(1, 1), distractors=(0, 0), moving=0, background="plain", brightness=0)
    for clip in [clip for part in ("train", "val", "test") for clip in made.clips(part)]:
        azimuth = clip.truth.azimuth[0, 0]
        sound, rate = read_audio(clip.audio)
        size = 2 * sound.shape[1]
        spectra = np.fft.rfft(sound.astype(float), size)
        likeness = np.fft.irfft(np.conj(spectra[0]) * spectra[1], size * 8)
        lags = np.arange(-8 * 40, 8 * 40)
        delay = lags[np.argmax(likeness[lags])] / (8 * rate)
        assert delay == pytest.approx(SphericalHead().itd(azimuth), abs=4e-6)
        pictures = grid_images(clip.video, 10, (72, 128)).astype(float)
        painted = np.abs(pictures - np.median(pictures, (1, 2), keepdims=True)).max(-1) > 40
        columns = [np.nonzero(picture)[1].mean() + 0.5 for picture in painted]
        assert columns == pytest.approx([column(azimuth, 128, 120)] * 10, abs=1.0)


def own_left_right(clips):
    """`left_right` of recordings scored against themselves: what a perfect model would reach."""
    shares = []
    for clip in clips:
        sound, rate = read_audio(clip.audio)
        shares.append(left_right(sound.astype(float), sound.astype(float), rate, clip.truth))
    return np.nanmean(shares)


def test_the_level_difference_tells_the_side_of_lateral_sources(tmp_path, scenes):
    made = scenes(tmp_path / "set", clips=40, picture=(32, 32))
    assert own_left_right([clip for part in ("train", "val", "test") for clip in made.clips(part)]) > 0.98


@pytest.mark.skipif(not KEMAR.exists(), reason="no MIT KEMAR here: apt-get install libmysofa1")
def test_scenes_can_be_rendered_through_a_measured_head(tmp_path, scenes):
    made = scenes(tmp_path / "set", head=KEMAR, sources=(1, 1), picture=(32, 32))
    assert made.fingerprint() != scenes(tmp_path / "set", sources=(1, 1), picture=(32, 32)).fingerprint()
    assert own_left_right([clip for part in ("train", "val", "test") for clip in made.clips(part)]) > 0.95


def test_by_default_the_scenes_go_to_the_cache(tmp_path, monkeypatch, scenes):
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path))
    made = scenes(None, picture=(32, 32))
    assert len(made.clips("val")) == 2
    assert made.root == tmp_path / "simulated" / made.fingerprint()


def test_the_long_work_shows_itself(tmp_path, scenes):
    shown = []

    def noting(items, title):
        shown.append((title, len(items)))
        return items

    scenes(tmp_path / "set", progress=noting, picture=(32, 32)).prepare()
    assert shown == [("Rendering scenes", 6)]


def test_an_interrupted_rendering_leaves_nothing(tmp_path, scenes):
    def interrupting(items, title):
        yield items[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scenes(tmp_path / "set", progress=interrupting).prepare()
    assert contents(tmp_path).keys() <= {".set.lock"}


ANOTHER = """
    import sys
    from pathlib import Path
    from avspatial.data.simulated.dataset import SimulatedScenes
    from avspatial.data.simulated.settings import SimulatedSettings

    def progress(items, title):
        print(title, flush=True)
        return items

    settings = SimulatedSettings(clips=int(sys.argv[2]), seconds=1.0, picture=(72, 128), root=Path(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.readline()
    SimulatedScenes(settings, progress=progress).prepare()
"""


def another_process(root, clips):
    """A process about to render the set of `scenes(root, clips=clips)`; it starts on a line of input."""
    command = [sys.executable, "-c", textwrap.dedent(ANOTHER), str(root), str(clips)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
def test_after_a_killed_rendering_the_next_one_cleans_up(tmp_path, scenes):
    with another_process(tmp_path / "set", 200) as process:
        start(process)
        assert process.stdout.readline() == "Rendering scenes\n"
        while not list(tmp_path.glob(".set.*.part/videos/*.mp4")):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert list(tmp_path.glob(".set.*.part"))
    assert not (tmp_path / "set").exists()
    scenes(tmp_path / "set").prepare()
    assert not list(tmp_path.glob(".set.*.part"))
    assert len(scenes(tmp_path / "set").clips("train")) == 2


@pytest.mark.slow
def test_of_two_processes_one_renders_and_both_are_served(tmp_path, ready):
    with another_process(tmp_path / "set", 6) as one, another_process(tmp_path / "set", 6) as two:
        start(one)
        start(two)
        output = one.communicate()[0] + two.communicate()[0]
    assert (one.returncode, two.returncode) == (0, 0)
    assert output.count("Rendering scenes") == 1
    assert contents(tmp_path / "set") == contents(ready.root)


def refusal(made):
    with pytest.raises(DataError) as caught:
        made.clips("train")
    return str(caught.value)


def test_a_folder_of_other_settings_is_refused(scenes, ready):
    assert refusal(scenes(ready.root, seed=3, moving=1)) == (
        f"{ready.root}: holds simulated scenes made with other settings (seed 0, not 3; moving 0.5, not 1.0)\n"
        "  Give the same settings, give another folder, or remove this one."
    )


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path, scenes):
    (tmp_path / "diary.txt").write_text("mine")
    assert refusal(scenes(tmp_path)) == (
        f"{tmp_path}: is not empty and holds no simulated scenes\n  Give another folder, or remove this one."
    )
    assert (tmp_path / "diary.txt").read_text() == "mine"


def test_a_damaged_list_of_scenes_is_refused(tmp_path, scenes):
    made = scenes(tmp_path / "set", picture=(32, 32))
    made.prepare()
    path = made.root / "scenes.jsonl"
    path.write_text(path.read_text()[:-30])
    assert refusal(made) == f"{path}: cannot be read\n  Remove {made.root}; it is then rendered again."
    path.write_text("")
    assert refusal(made) == f"{path}: has no line for clip 000001\n  Remove {made.root}; it is then rendered again."


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc on this system")
def test_a_cache_where_no_folder_can_be_made_is_reported(monkeypatch):
    monkeypatch.setenv("AVSPATIAL_CACHE", "/proc/avspatial")
    with pytest.raises(DataError) as caught:
        SimulatedScenes(SimulatedSettings(clips=6), progress=silent).prepare()
    assert "the scenes cannot be written (No such file or directory)\n" in str(caught.value)
    assert str(caught.value).endswith("data.root, or for all caches with AVSPATIAL_CACHE.")
