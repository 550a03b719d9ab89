"""The data set `foa360`: clips of recordings, their splits, what is left out and why, and the notes on them."""

import shutil
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from support.recordings360 import RATE, centre, field, in_aac_carrier, panorama, write_recording

import avspatial
from avspatial.data.clip_cache import ClipStore
from avspatial.data.foa360.dataset import Foa360
from avspatial.data.foa360.measure import measure_source
from avspatial.data.foa360.rendering import Foa360Rendering
from avspatial.data.foa360.settings import Foa, Foa360Settings, Renderer, View
from avspatial.data.layout import PARTS
from avspatial.data.video_lists import published_split
from avspatial.data.windows import TrainingWindows
from avspatial.errors import DataError
from avspatial.framing import Framing, Window
from avspatial.media.image import write_jpeg
from avspatial.progress import silent
from avspatial.report.data_check.sections import sections
from avspatial.signal.ambisonics import encode

IDS = [f"{letter * 10}{number}" for number, letter in enumerate("ABCDEF")]
AZIMUTHS = [50, -70, 20, 100, -35, 140]


def add(root, name, sound, seconds=1.0, images=None):
    """NAME.wav and NAME.mkv, which has no sound."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(root / f"{name}.wav", sound.T, RATE, subtype="FLOAT")
    return write_recording(root / f"{name}.mkv", None, images or [panorama(0, 32)] * round(seconds * 10))


@pytest.fixture(scope="module")
def six(tmp_path_factory) -> Path:
    """Six videos: the first has two excerpts, the second is long enough for two clips."""
    root = tmp_path_factory.mktemp("six")
    for number, (name, azimuth) in enumerate(zip(IDS, AZIMUTHS, strict=True)):
        long = 2.3 if number == 1 else 1.0
        add(root, f"{name}_30", field(azimuth, long, seed=number), long)
    add(root, f"{IDS[0]}_40", field(10, 1.0, seed=9))
    return root


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))


def data(root, **changes):
    return Foa360(Foa360Settings(root=str(root), **{"seconds": 1.0, **changes}), progress=silent)


def all_clips(dataset):
    return {clip.id: clip for part in PARTS for clip in dataset.clips(part)}


def test_recordings_become_clips_of_one_length(six):
    clips = all_clips(data(six))
    first, second = f"{IDS[1]}_30_0000.0", f"{IDS[1]}_30_0001.0"
    assert sorted(clips) == sorted([f"{IDS[0]}_30", f"{IDS[0]}_40", first, second, *(f"{name}_30" for name in IDS[2:])])
    assert [(clips[name].start, clips[name].seconds) for name in (first, second)] == [(0.0, 1.0), (1.0, 1.0)]
    assert clips[second].audio == six / f"{IDS[1]}_30.wav"
    assert clips[second].video == six / f"{IDS[1]}_30.mkv"
    assert clips[first].rendering.panorama == (32, 64)  # that of the file: nothing is enlarged


def test_preprocessed_folders_are_read_as_recordings(tmp_path):
    """Chunks of a second, and images ten times a second: the third clip begins in the third chunk."""
    for number, name in enumerate(IDS[:3]):
        sound = field(AZIMUTHS[number], 3.0, seed=number)
        for second in range(3):
            file = tmp_path / "frames" / name / "ambix" / f"{second:06d}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, sound[:, second * RATE : (second + 1) * RATE].T, RATE, subtype="FLOAT")
        for image in range(30):
            write_jpeg(tmp_path / "frames" / name / "video" / f"{image:06d}.jpg", panorama(12 * image - 180, 32))
    dataset = data(tmp_path, seconds=1.2, view={"kind": "perspective", "fov": 120, "yaw": AZIMUTHS[0] - 30})
    clips = all_clips(dataset)
    assert sorted(clips) == sorted(f"{name}_{start}" for name in IDS[:3] for start in ("0000.0", "0001.2"))
    clip = clips[f"{IDS[0]}_0001.2"]
    assert clip.truth.azimuth == pytest.approx(np.full((1, 4), 30), abs=2)
    window = Window(rate=16000, fps=10, picture=(24, 48))
    recording = ClipStore(window, silent, tmp_path / "cache").load(clip)
    left, right = recording.audio
    assert left.shape == (19200,)
    assert np.std(left) > 1.2 * np.std(right)
    assert recording.images.shape == (12, 24, 48, 3)
    # Images 12 to 23 show the disc from -36 to 96 degrees: the sixth of the clip at 24, the camera's 4.
    assert np.argmax(recording.images[5].sum((0, 2))) == pytest.approx(24 - 24 * np.tan(np.radians(4)) / 3**0.5, abs=2)


def test_a_video_stands_in_one_split_with_all_its_excerpts(six):
    dataset = data(six)
    clips = {part: dataset.clips(part) for part in PARTS}
    counts = Counter(recording for part in PARTS for recording in {clip.recording for clip in clips[part]})
    assert counts == dict.fromkeys(IDS, 1)
    assert {part: len({clip.recording for clip in clips[part]}) for part in PARTS} == {"train": 4, "val": 1, "test": 1}


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(st.floats(0.1, 0.8), st.floats(0.1, 0.8)),
    st.sampled_from([0.5, 1.0]),
    st.sampled_from([0.2, 0.5, None]),
    st.sampled_from([0.0, 40.0, "random"]),
)
def test_no_recording_stands_in_two_splits(six, two_shares, seconds, hop, yaw):
    """Whatever the shares, the cuts and the turns of the camera."""
    rest = 1 - max(0.0, min(0.9, sum(two_shares) / 2))
    shares = (rest, (1 - rest) / 2, (1 - rest) / 2)
    dataset = data(six, shares=shares, seconds=seconds, hop=hop, view={"yaw": yaw})
    places = {(clip.recording, part) for part in PARTS for clip in dataset.clips(part)}
    assert Counter(recording for recording, _ in places) == dict.fromkeys(IDS, 1)


def test_a_csv_decides_instead(six, tmp_path):
    rows = [f"{IDS[0]}_30.mkv,0,1,train,", f"{IDS[1]}_30.wav,1.2,,val,", f"{IDS[2]}_30.mkv,,,test,singer"]
    (tmp_path / "splits.csv").write_text("\n".join(["file,start,end,split,recording", *rows]))
    dataset = data(six, splits=str(tmp_path / "splits.csv"))
    found = [(clip.id, clip.start, clip.recording) for part in PARTS for clip in dataset.clips(part)]
    assert found == [
        (f"{IDS[0]}_30", 0.0, IDS[0]),
        (f"{IDS[1]}_30_0001.2", 1.2, IDS[1]),
        (f"{IDS[2]}_30", 0.0, "singer"),
    ]
    assert dataset.left_out()[f"{IDS[3]}_30"] == "not listed in the csv"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{IDS[0]}_30.mkv,2,1,train"], "splits.csv:2: column end: 1 s is not after the start, 2 s"),
        (
            [f"{IDS[0]}_30.mkv,,,train", f"{IDS[0]}_40.mkv,,,test"],
            f"splits.csv:3: column split: recording {IDS[0]} is in test here, but in train in .*splits.csv:2",
        ),
        (["gone.mkv,,,train"], "splits.csv:2: column file: there is no gone.mkv"),
    ],
)
def test_a_csv_that_cannot_be_right(six, tmp_path, rows, message):
    (tmp_path / "splits.csv").write_text("\n".join(["file,start,end,split", *rows]))
    with pytest.raises(DataError, match=message):
        data(six, splits=str(tmp_path / "splits.csv")).prepare()


def test_the_truth_is_the_direction_of_the_intensity_vector(six):
    clips = all_clips(data(six))
    for name, azimuth in zip(IDS[2:], AZIMUTHS[2:], strict=True):
        truth = clips[f"{name}_30"].truth
        assert (truth.rate, truth.azimuth.shape) == (4.0, (1, 4))
        assert truth.azimuth == pytest.approx(np.full((1, 4), azimuth), abs=2)
        assert (truth.energy > 0).all()


@pytest.mark.parametrize("order", ["acn", "fuma"])
def test_the_order_of_the_aac_carrier_is_known(tmp_path, order):
    """Whatever the settings say of files of four channels."""
    for name, azimuth in zip(IDS[:3], AZIMUTHS[:3], strict=True):
        sound = in_aac_carrier(field(azimuth, 1.0))
        write_recording(tmp_path / f"{name}.mkv", sound, [panorama(0, 32)] * 10, "aac")
    clips = all_clips(data(tmp_path, foa={"order": order}))
    for name, azimuth in zip(IDS[:3], AZIMUTHS[:3], strict=True):
        assert clips[name].truth.azimuth == pytest.approx(np.full((1, 4), azimuth), abs=2)


def test_a_long_recording_is_measured_in_little_memory(tmp_path):
    """Five minutes of four channels are 38 MB."""
    rate = 8000
    soundfile.write(tmp_path / "long.wav", np.tile(field(40, 1.0)[:, ::6], 300).T, rate, subtype="PCM_16")
    spans = [(float(start), 1.0) for start in range(300)]
    rendering = Foa360Rendering(Renderer(use="mid_side"), View(), Foa(), "none")
    tracemalloc.start()
    measured = measure_source(tmp_path / "long.wav", spans, rendering, tmp_path / "cache")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(measured) == 300
    assert peak < 12e6


def test_the_truth_turns_with_the_camera(six):
    turned = all_clips(data(six, view={"kind": "perspective", "yaw": 30}))
    assert turned[f"{IDS[2]}_30"].truth.azimuth == pytest.approx(np.full((1, 4), -10), abs=2)


def test_only_direct_moments_have_a_truth(six):
    """Of a source in a room the directness is below 1 everywhere."""
    assert all(clip.truth is None for clip in all_clips(data(six, directness=1.0)).values())


def test_random_yaw_turns_training_windows_alone(six):
    dataset = data(six, view={"yaw": "random"})
    assert {part: {clip.rendering.random_yaw for clip in dataset.clips(part)} for part in PARTS} == {
        "train": {True},
        "val": {False},
        "test": {False},
    }
    assert dataset.clips("test")[0].truth.azimuth == pytest.approx(data(six).clips("test")[0].truth.azimuth)


def test_every_window_turned_at_random_is_louder_where_its_source_is_seen(tmp_path):
    for number, name in enumerate(IDS[:3]):
        azimuth = AZIMUTHS[number]
        add(tmp_path, name, field(azimuth, 1.5, seed=number), images=[panorama(azimuth, 64)] * 15)
    dataset = data(tmp_path, seconds=1.5, view={"yaw": "random"})
    framing = Framing(window=Window(rate=16000, fps=10, picture=(32, 64)))
    store = ClipStore(framing.window, silent, tmp_path / "cache")
    windows = TrainingWindows([store.load(clip) for clip in dataset.clips("train")], framing, seed=0)
    seen, louder = [], []
    for epoch in range(24):
        batch = windows.batch(epoch, [0])
        image = batch.images[0, 0].permute(1, 2, 0).numpy() * 255
        seen.append(np.sin(2 * np.pi * (0.5 - centre(image) / 64)))
        left, right = batch.reference[0].std(-1)
        louder.append(float(20 * (left / right).log10()))
    lateral = np.abs(seen) > 0.3
    assert lateral.sum() > 12
    assert np.array_equal(np.sign(seen)[lateral], np.sign(louder)[lateral])
    assert 0.2 < np.mean(np.array(seen)[lateral] > 0) < 0.8


def test_a_second_start_reads_what_was_measured(six, monkeypatch):
    before = all_clips(data(six))
    monkeypatch.setattr("avspatial.data.foa360.measure.AudioReader", None)
    after = all_clips(data(six))
    assert before.keys() == after.keys()
    for name, clip in before.items():
        assert np.array_equal(clip.truth.azimuth, after[name].truth.azimuth)


def test_the_fingerprint_names_renderer_head_convention_and_view(six):
    text = data(six, view={"kind": "perspective", "yaw": 10}).fingerprint()
    assert text.startswith("magls:kemar acn:sn3d perspective:90:10.0:0 ")
    same = data(six).fingerprint()
    others = [
        data(six, renderer={"use": "mid_side"}).fingerprint(),
        data(six, view={"pitch": 10}).fingerprint(),
        data(six, foa={"normalization": "n3d"}).fingerprint(),
        data(six, seconds=0.5).fingerprint(),
    ]
    assert len({same, *others}) == 5
    assert data(six).fingerprint() == same
    assert all(len(text) <= 128 for text in others)


def three(root):
    for number, name in enumerate(IDS[:3]):
        add(root, name, field(40, 1.0, seed=number))


def write(path, text):
    path.write_text(text)


BAD = {
    "two channels": (
        lambda root: add(root, "film", field(0, 1.0)[:2]),
        "2 channels of wav where an ambisonic field has 4 channels",
    ),
    "no video": (lambda root: soundfile.write(root / "film.wav", field(0, 1.0).T, RATE), "no video: there is film.wav"),
    "no video inside": (
        lambda root: write_recording(root / "film.mkv", field(0, 1.0), None),
        "no video",
    ),
    "no audio": (lambda root: write_recording(root / "film.mkv", None, [panorama(0, 32)] * 10), "no audio"),
    "unequal lengths": (
        lambda root: add(root, "film", field(0, 4.0), 1.0),
        "unequal lengths: 4.00 s of audio, 1.00 s of video",
    ),
    "too short": (lambda root: add(root, "film", field(0, 0.5), 0.5), "shorter than 1 s"),
    "damaged": (lambda root: write(root / "film.mkv", "no video"), "not a readable video"),
    "surround": (
        lambda root: write_recording(
            root / "film.mkv", np.repeat(field(0, 1.0), 2, 0)[:6], [panorama(0, 32)] * 10, "ac3"
        ),
        "5.1 surround sound where an ambisonic field has 4 channels",
    ),
    "surround in opus": (
        lambda root: write_recording(
            root / "film.mkv", np.repeat(field(0, 1.0), 2, 0)[:6], [panorama(0, 32)] * 10, "libopus"
        ),
        "5.1 surround sound where an ambisonic field has 4 channels",
    ),
    "silence": (lambda root: add(root, "film", 1e-4 * field(0, 1.0)), "silent: W is below -60 dBFS"),
    "no sides": (
        lambda root: add(root, "film", field(0, 1.0) * [[1], [0], [1], [1]]),
        "its Y channel is dead",
    ),
    "X is dead": (
        lambda root: add(root, "film", field(40, 1.0) * [[1], [1], [1], [0]]),
        "its X channel is dead, but not Z: stereo without front and back, or W, X, Y in FuMa's order",
    ),
    "in the middle": (
        lambda root: add(root, "film", encode(field(0, 1.0)[0], 0.1)),
        "its Y channel is dead",
    ),
    "twice": (
        lambda root: (add(root, "film", field(0, 1.0)), soundfile.write(root / "film.flac", field(0, 1.0).T, RATE)),
        "there is more than one audio file of this name: film.flac, film.mkv, film.wav",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_left_out_with_one_reason(tmp_path, kind, capsys):
    plant, reason = BAD[kind]
    root = tmp_path / "data"
    three(root)
    plant(root)
    dataset = data(root)
    dataset.prepare()
    assert list(dataset.left_out()) == ["film"]
    assert dataset.left_out()["film"].startswith(reason)
    assert f"note: {root}: left out 1:\n  1 x {reason}" in capsys.readouterr().err
    assert sorted(all_clips(dataset)) == sorted(IDS[:3])


def test_if_nothing_is_left_the_reason_is_the_error(tmp_path):
    for name in IDS[:3]:
        add(tmp_path, name, field(0, 1.0)[:2])
    with pytest.raises(DataError) as caught:
        data(tmp_path).prepare()
    assert str(caught.value) == (
        f"{tmp_path}: no clip for the train split; left out 3:\n"
        f"    3 x 2 channels of wav where an ambisonic field has 4 channels ({', '.join(IDS[:3])})\n"
        "  Each split needs a video of its own, so three at least. Add videos, shorten the clips (data.seconds),\n"
        "  change what is left out (data.screening), or list files and splits in a csv (data.splits)."
    )


def test_equal_audio_is_one_recording(tmp_path):
    for number, name in enumerate(IDS[:4]):
        add(tmp_path, name, field(40, 1.0, seed=number))
    for suffix in (".wav", ".mkv"):
        shutil.copy(tmp_path / f"{IDS[0]}{suffix}", tmp_path / f"copy{suffix}")
    clips = all_clips(data(tmp_path))
    assert clips["copy"].recording == clips[IDS[0]].recording == IDS[0]
    rows = [f"{IDS[0]}.wav,train", f"{IDS[1]}.wav,val", "copy.wav,test"]
    (tmp_path / "splits.csv").write_text("\n".join(["file,split", *rows]))
    with pytest.raises(
        DataError, match=f"splits.csv:4: column split: the audio of {IDS[0]} is in test here, but in train"
    ):
        data(tmp_path, splits=str(tmp_path / "splits.csv")).prepare()


@pytest.mark.parametrize(
    ("convert", "setting"),
    [
        (lambda sound: sound * [[1], [3**0.5], [3**0.5], [3**0.5]], {"normalization": "n3d"}),
        (lambda sound: sound * [[0.5**0.5], [1], [1], [1]], {"normalization": "fuma"}),
    ],
    ids=["n3d", "fuma"],
)
def test_other_normalizations_are_suspected(tmp_path, capsys, convert, setting):
    for number, name in enumerate(IDS[:3]):
        add(tmp_path, name, convert(field(40, 1.0, seed=number)))
    data(tmp_path).prepare()
    note = capsys.readouterr().err
    assert "in 3 of 3 clips Y, Z and X follow W with a gain of up to 1." in note
    assert "where SN3D has 1 at most: is this N3D or FuMa (data.foa.normalization)?" in note
    given = {"seconds": 1.0}
    found = avspatial.check_data(tmp_path, images=False, progress=silent, settings=given)
    (suspicion,) = (remark for remark in found.to_dict()["remarks"] if "follow W" in remark)
    assert suspicion in note
    assert any((suspicion,) in section.rows for section in sections(found))
    data(tmp_path, foa=setting).prepare()
    assert "follow W" not in capsys.readouterr().err
    named = avspatial.check_data(tmp_path, images=False, progress=silent, settings={**given, "foa": setting})
    assert [remark for remark in named.remarks if "follow W" in remark] == []


def test_a_field_without_height_is_noted(tmp_path, capsys):
    for number, name in enumerate(IDS[:3]):
        add(tmp_path, name, field(40, 1.0, seed=number) * [[1], [1], [0], [1]])
    data(tmp_path).prepare()
    note = capsys.readouterr().err
    assert "3 of 3 clips without height: Z is silent" in note
    assert f"note: {tmp_path}: directions are known in 100% of the time (data.directness)" in note


def test_another_split_is_refused(six):
    with pytest.raises(DataError, match="there is no split 'dev'"):
        data(six).clips("dev")


COUNTS = {"train": 5, "val": 2, "test": 2}
"""The videos of `music` in each part, the first ones of the lists."""


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Ten videos of YT-Music, split 1: five, two and two of its parts, in folders of their own, and one of no part."""
    root = tmp_path_factory.mktemp("music")
    split = published_split("ytmusic/1")
    chosen = [(part, name) for part, count in COUNTS.items() for name in split[part][:count]]
    for number, (folder, name) in enumerate([*chosen, ("extras", IDS[0])]):
        add(root, f"{folder}/{name}", field(30 * number - 90, 1.0, seed=number))
    return root


def test_a_published_split_lacks_no_video_in_silence(music, capsys):
    gone = published_split("ytmusic/1")["test"][2:]
    counts = "ytmusic/1: missing are 97 of 99 test, 28 of 30 val, 263 of 268 train videos"
    names = f"{', '.join(gone[:20])} and 368 more"
    with pytest.raises(DataError) as error:
        data(music, splits="ytmusic/1").prepare()
    assert str(error.value) == (
        f"{music}: {counts}: {names}\n"
        "  A smaller test set is another test set: add the videos, or go on with those that are there by "
        "data.missing=report, which the run's record states."
    )
    data(music, splits="ytmusic/1", missing="report").prepare()
    assert f"note: {music}: {counts}: {names}\n" in capsys.readouterr().err


def test_published_splits_go_by_the_id_of_a_video_whatever_its_folder(music):
    dataset = data(music, splits="ytmusic/1", missing="report")
    split = published_split("ytmusic/1")
    for part, count in COUNTS.items():
        assert [clip.recording for clip in dataset.clips(part)] == split[part][:count]
    left_out = dataset.left_out()
    assert left_out.pop(f"extras/{IDS[0]}") == "not in ytmusic/1"
    missing = [(part, name) for part, count in COUNTS.items() for name in split[part][count:]]
    assert left_out == {name: f"not there: ytmusic/1 lists it for {part}" for part, name in missing}
    assert " ytmusic/1:5/268,2/30,2/99 " in dataset.fingerprint()
    assert dataset.fingerprint() != data(music, missing="report").fingerprint()


def test_a_published_split_that_does_not_exist(music):
    with pytest.raises(DataError, match=r"there is no published split 'ytmusic/4' \(did you mean 'ytmusic"):
        data(music, splits="ytmusic/4").prepare()


@pytest.mark.parametrize("yaw", [0, 50])
def test_directions_of_a_csv_replace_those_of_the_intensity_vector(six, tmp_path, yaw):
    path = tmp_path / "truth.csv"
    path.write_text(f"clip,azimuth\n{IDS[0]}_30,-170\n{IDS[1]}_30_0001.0,20\n")
    clips = all_clips(data(six, truth=str(path), view={"yaw": yaw}))
    known = {name: clip.truth.azimuth[0, 0] for name, clip in clips.items() if clip.truth is not None}
    assert known == {f"{IDS[0]}_30": -170 if yaw == 0 else 140, f"{IDS[1]}_30_0001.0": 20 - yaw}
    assert data(six, truth=str(path)).fingerprint() != data(six).fingerprint()


def test_directions_of_masks_are_those_of_the_panorama(six, tmp_path):
    mask = np.zeros((32, 64), np.uint8)
    mask[10:14, 14:18] = 255  # around a quarter of the width from the left: 90 degrees
    Image.fromarray(mask).save(tmp_path / f"{IDS[0]}_30.png")
    truth = {"masks": str(tmp_path), "field_of_view": 360}
    clip = all_clips(data(six, truth=truth, view={"yaw": 30}))[f"{IDS[0]}_30"]
    assert clip.truth.azimuth == pytest.approx(np.full((1, 20), 60.0))
    with pytest.raises(ValidationError, match="masks are those of panoramas: field_of_view must be 360"):
        data(six, truth={**truth, "field_of_view": 90})
