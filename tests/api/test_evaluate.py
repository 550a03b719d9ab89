"""`avspatial.evaluate`: scores for whatever was saved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from support.saved_sounds import RATE, evaluate, sounds, values

from avspatial.api.evaluate import DIRECTIONS, METRICS, Evaluation
from avspatial.errors import AvspatialError
from avspatial.evaluation.scoring.score_schema import Mean
from avspatial.interfaces import Truth
from avspatial.media.audio import write_wav
from avspatial.media.video import write_video
from avspatial.metrics import prepare, snr, stft_distance
from avspatial.registry import Registry
from avspatial.runs.outputs import save_outputs


class TestTheContract:
    def test_the_summary(self, official: Path, tmp_path: Path) -> None:
        done = evaluate(official, metrics=["stft_distance", "snr"], save=tmp_path / "kept")
        assert (done.summary.convention, done.summary.clips, done.summary.failed) == ("fairplay", 4, 0)
        assert set(done.summary.versions) == {"avspatial", "soxr"} and list(done.summary.conditions) == ["model"]
        info = done.summary.metrics["snr"]
        assert (info.id, info.version, info.unit, info.higher_is_better) == ("avspatial.snr", "1", "dB", True)
        entry = done.summary.conditions["model"]["snr"]
        own = [snr(*prepare(*sounds(clip), RATE)) for clip in range(4)]
        assert entry.mean == pytest.approx(np.mean(own)) and entry.sd == pytest.approx(np.std(own, ddof=1))
        assert entry.ci95[0] < entry.mean < entry.ci95[1]
        assert (entry.n, entry.failed) == (4, 0)
        assert json.loads((tmp_path / "kept" / "summary.json").read_text()) == done.summary.to_dict()

    def test_the_scores_line_by_line(self, official: Path, tmp_path: Path) -> None:
        (official / "clip2" / "input_binaural.wav").unlink()
        evaluate(official, metrics=["snr", "stft_distance"], save=tmp_path / "kept")
        lines = [json.loads(line) for line in (tmp_path / "kept" / "scores.jsonl").read_text().splitlines()]
        assert [(line["clip"], line["metric"]) for line in lines] == [
            (f"clip{clip}", metric) for clip in range(4) for metric in ("snr", "stft_distance")
        ]
        for line in lines:
            outcome = "error" if line["clip"] == "clip2" else "value"
            assert list(line) == ["schema", "condition", "clip", "recording", "metric", outcome]
        assert lines[0]["value"] == pytest.approx(snr(*prepare(*sounds(0), RATE)))

    def test_the_default_metrics(self, official: Path, builtin_registry: Registry) -> None:
        assert tuple(evaluate(official, metrics=None).summary.metrics) == METRICS
        for name in (*METRICS, *DIRECTIONS):
            assert builtin_registry.get("metric", name)

    def test_directions_too_where_the_angles_are_known(self, tmp_path: Path) -> None:
        truth = Truth(20.0, np.full((1, 20), 40.0), np.ones((1, 20)))
        save_outputs(tmp_path / "a", sounds(0)[0], sounds(0)[1], RATE, truth=truth)
        save_outputs(tmp_path / "b", sounds(1)[0], sounds(1)[1], RATE)
        done = evaluate(tmp_path, metrics=None)
        assert tuple(done.summary.metrics) == (*METRICS, *DIRECTIONS)
        assert done.summary.conditions["model"]["left_right"] == Mean(mean=1, n=1, failed=0)
        assert done.notes["left_right not measured: the clip has no true angles"] == 1

    def test_a_clip_with_nothing_to_measure_is_skipped_and_is_no_failure(self, tmp_path: Path) -> None:
        silence = np.zeros((2, RATE))
        save_outputs(tmp_path / "out" / "a", silence, silence, RATE)
        done = evaluate(tmp_path / "out", metrics=["spl_direction", "snr"], save=tmp_path / "kept")
        assert done.summary.conditions["model"]["spl_direction"].n == done.summary.failed == 0
        snr = done.summary.conditions["model"]["snr"].mean
        assert values(tmp_path / "kept") == {("a", "spl_direction"): None, ("a", "snr"): snr}
        assert done.notes == {"spl_direction not measured: the reference holds nothing to measure it on": 1}

    def test_the_cluster_is_the_recording(self, official: Path) -> None:
        rows = "".join(f"clip{clip}/predicted_binaural.wav,clip{clip}/input_binaural.wav,same\n" for clip in range(4))
        (official / "pairs.csv").write_text("prediction,reference,recording\n" + rows)
        entry = evaluate(official / "pairs.csv").summary.conditions["model"]["snr"]
        assert entry.n == 4 and entry.ci95 is None

    def test_control_rows_when_asked_for(self, official: Path) -> None:
        done = evaluate(official, controls=["reference", "mono"], metrics=["stft_distance"])
        assert list(done.summary.conditions) == ["model", "mono", "reference"]
        assert done.summary.conditions["reference"]["stft_distance"].mean == 0
        mono = [np.stack([reference.mean(0)] * 2) for _, reference in map(sounds, range(4))]
        own = [stft_distance(*prepare(mono[clip], sounds(clip)[1], RATE)) for clip in range(4)]
        assert done.summary.conditions["mono"]["stft_distance"].mean == pytest.approx(np.mean(own))
        alone = evaluate(official, metrics=["stft_distance"]).summary
        assert done.summary.conditions["model"] == alone.conditions["model"]


class TestFiles:
    def one(self, folder: Path, prediction: str, reference: str) -> Evaluation:
        (folder / "pairs.csv").write_text(f"prediction,reference,clip\n{prediction},{reference},one\n")
        return evaluate(folder / "pairs.csv")

    def test_flac_and_names_with_spaces_and_accents(self, tmp_path: Path) -> None:
        import soundfile

        prediction, reference = sounds(0)
        (tmp_path / "prédiction 1.flac").parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / "prédiction 1.flac", prediction.T, RATE, subtype="PCM_24")
        write_wav(tmp_path / "参考.wav", reference, RATE)
        done = self.one(tmp_path, "prédiction 1.flac", "参考.wav")
        assert done.summary.conditions["model"]["snr"].mean == pytest.approx(
            snr(*prepare(prediction, reference, RATE)), rel=1e-5
        )

    def test_the_sound_of_a_video(self, tmp_path: Path) -> None:
        _, reference = sounds(0, seconds=2.0)
        pictures = [np.zeros((32, 32, 3), np.uint8)] * 8
        write_video(tmp_path / "out.mp4", pictures, 4, reference, RATE)
        write_wav(tmp_path / "true.wav", reference, RATE)
        done = self.one(tmp_path, "out.mp4", "true.wav")
        assert not done.failures
        assert done.summary.conditions["model"]["snr"].mean > 3  # noise through AAC, in step with itself

    def test_other_rates_are_resampled_and_noted(self, tmp_path: Path) -> None:
        time = np.arange(44100) / 44100
        tone = 0.5 * np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 660 * time)])
        write_wav(tmp_path / "high.wav", tone, 44100)
        later = np.arange(RATE) / RATE
        write_wav(
            tmp_path / "low.wav",
            0.5 * np.stack([np.sin(2 * np.pi * 440 * later), np.sin(2 * np.pi * 660 * later)]),
            RATE,
        )
        done = self.one(tmp_path, "high.wav", "low.wav")
        assert done.notes == {"prediction resampled from 44100 to 16000 Hz": 1}
        assert done.summary.conditions["model"]["snr"].mean > 30  # all but the ends, where the tones begin

    @pytest.mark.parametrize("samples", [1, 2, 50])
    def test_a_clip_shorter_than_a_window(self, tmp_path: Path, samples: int) -> None:
        prediction, reference = (sound[:, :samples] for sound in sounds(0))
        save_outputs(tmp_path / "short", prediction, reference, RATE)
        done = evaluate(tmp_path, metrics=None)
        assert done.summary.failed == 0
        assert done.summary.conditions["model"]["stft_distance"].mean == pytest.approx(
            stft_distance(*prepare(prediction, reference, RATE))
        )

    def failure(self, folder: Path, prediction: str = "p.wav", reference: str = "r.wav") -> str:
        done = self.one(folder, prediction, reference)
        assert (done.summary.clips, done.summary.failed) == (1, 1)
        assert done.summary.conditions["model"]["snr"] == Mean(mean=None, n=0, failed=1)
        ((clip, why),) = done.failures
        assert clip == "one"
        return why

    def test_why_a_file_cannot_be_scored(self, tmp_path: Path) -> None:
        prediction, reference = sounds(0)
        write_wav(tmp_path / "r.wav", reference, RATE)
        assert self.failure(tmp_path) == f"{tmp_path}/p.wav: no such audio file"
        write_wav(tmp_path / "p.wav", prediction[:1], RATE)
        assert self.failure(tmp_path) == f"{tmp_path}/p.wav: 1 channel; left and right are needed"
        write_wav(tmp_path / "p.wav", np.concatenate([prediction, prediction]), RATE)
        assert self.failure(tmp_path) == f"{tmp_path}/p.wav: 4 channels; left and right are needed"
        prediction[0, 7] = np.nan
        write_wav(tmp_path / "p.wav", prediction, RATE)
        assert self.failure(tmp_path) == (
            f"{tmp_path}/p.wav: has samples that are NaN or infinite\n  Write the file again."
        )
        (tmp_path / "p.wav").write_bytes(b"not sound")
        assert self.failure(tmp_path).startswith(f"{tmp_path}/p.wav: not a readable audio file (")
        (tmp_path / "p.mp4").write_bytes(b"not sound")
        assert self.failure(tmp_path, "p.mp4").startswith(f"{tmp_path}/p.mp4: not a readable video (")
        write_video(tmp_path / "still.mp4", [np.zeros((32, 32, 3), np.uint8)], 4)
        assert self.failure(tmp_path, "still.mp4") == f"{tmp_path}/still.mp4: has no audio stream"

    @pytest.mark.parametrize(
        ("suffix", "message"),
        [
            ("wav", "it ends at 2.00 s of 4.00 s"),
            ("flac", "it ends at 2.05 s of 4.00 s"),
            ("ogg", "it ends at 1."),
        ],
    )
    def test_a_prediction_cut_short_fails_and_trimming_is_not_advised(
        self, tmp_path: Path, suffix: str, message: str
    ) -> None:
        audio = np.random.default_rng(0).uniform(-0.5, 0.5, (64000, 2))
        soundfile.write(tmp_path / "r.wav", audio, 16000)
        soundfile.write(tmp_path / f"p.{suffix}", audio, 16000)
        complete = (tmp_path / f"p.{suffix}").read_bytes()
        (tmp_path / f"p.{suffix}").write_bytes(complete[: len(complete) // 2])
        (tmp_path / "pairs.csv").write_text(f"prediction,reference\np.{suffix},r.wav\n")
        for trim in (False, True):
            ((_, why),) = evaluate(tmp_path / "pairs.csv", trim=trim).failures
            assert f"p.{suffix}: cut short: {message}" in why and "--trim" not in why

    def test_unequal_lengths_fail_or_are_trimmed_with_a_note(self, tmp_path: Path) -> None:
        prediction, reference = sounds(0)
        write_wav(tmp_path / "p.wav", prediction[:, :-30], RATE)
        write_wav(tmp_path / "r.wav", reference, RATE)
        assert self.failure(tmp_path) == (
            "the prediction has 7970 samples, the reference 8000 (`avspatial evaluate --trim` cuts to the shorter)"
        )
        done = evaluate(tmp_path / "pairs.csv", trim=True)
        assert done.summary.failed == 0 and done.notes == {"reference cut by 30 samples": 1}
        own = snr(*prepare(prediction[:, :-30], reference[:, :-30], RATE))
        assert done.summary.conditions["model"]["snr"].mean == pytest.approx(own)

    def test_a_length_that_resampling_would_hide_is_still_unequal(self, tmp_path: Path) -> None:
        for name, samples in (("p", 48001), ("r", 48000)):
            write_wav(tmp_path / f"{name}.wav", np.ones((2, samples)) * 0.1, 48000)
        assert self.failure(tmp_path).startswith("the prediction has 48001 samples, the reference 48000 (")
        assert evaluate(tmp_path / "pairs.csv", trim=True).notes["prediction cut by 1 sample"] == 1


class TestMetamorphic:
    def test_jobs_order_and_other_clips_change_no_score(self, official: Path, tmp_path: Path) -> None:
        names = ["stft_distance", "mrstft", "spl_distance"]
        evaluate(official, metrics=names, jobs=1, save=tmp_path / "one")
        expected = values(tmp_path / "one")
        evaluate(official, metrics=names, jobs=3, save=tmp_path / "three")
        assert values(tmp_path / "three") == expected
        line = "clip{0}/predicted_binaural.wav,clip{0}/input_binaural.wav,clip{0}\n"
        (official / "pairs.csv").write_text("prediction,reference,clip\n" + "".join(line.format(n) for n in (3, 1)))
        evaluate(official / "pairs.csv", metrics=names, save=tmp_path / "two")
        assert values(tmp_path / "two") == {key: v for key, v in expected.items() if key[0] in ("clip3", "clip1")}

    def test_sixteen_bits_instead_of_floats_hardly_move_the_stft_distance(self, tmp_path: Path) -> None:
        for number in range(3):
            prediction, reference = (0.9 * sound / np.abs(sound).max() for sound in sounds(number))
            for subtype in ("FLOAT", "PCM_16"):
                write_wav(tmp_path / subtype / f"{number}" / "predicted_binaural.wav", prediction, RATE, subtype)
                write_wav(tmp_path / subtype / f"{number}" / "input_binaural.wav", reference, RATE, subtype)
        for subtype in ("FLOAT", "PCM_16"):
            evaluate(tmp_path / subtype, metrics=["stft_distance"], save=tmp_path / f"of {subtype}")
        exact, rounded = values(tmp_path / "of FLOAT"), values(tmp_path / "of PCM_16")
        assert exact != rounded
        for key, value in rounded.items():
            assert value == pytest.approx(exact[key], rel=1e-4)


class TestNames:
    def refusal(self, outputs: Path, **options: Any) -> str:
        with pytest.raises(AvspatialError) as error:
            evaluate(outputs, **options)
        return str(error.value)

    def test_unknown_names_are_refused_with_the_nearest(self, official: Path) -> None:
        assert self.refusal(official, metrics=["snrr"]).startswith(
            "unknown metric 'snrr' (did you mean 'snr'?)\n  `avspatial plugins list --kind metric` lists all "
        )
        assert self.refusal(official, convention="fairply") == (
            "unknown convention 'fairply' (did you mean 'fairplay'?)\n"
            "  There are: fairplay, raw, reference_peak, fairplay_reflect."
        )
        assert self.refusal(official, controls=["monno"]) == (
            "unknown control condition 'monno' (did you mean 'mono'?)\n"
            "  There are: mono, swapped, reference, level_panned."
        )
        assert self.refusal(official, metrics=[]) == "no metric to measure\n  Name some with `--metrics NAME,NAME`."
        assert self.refusal(official, metrics=["snr", "avspatial.snr"]) == (
            "two metrics give snr: avspatial.snr and avspatial.snr\n  Name only one of them."
        )

    def test_a_metric_of_someone_elses(
        self, official: Path, write_plugin: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_plugin(
            "loud",
            "from avspatial.plugin import Component, hookimpl\n"
            "@hookimpl\n"
            "def avspatial_components():\n"
            "    return [Component('metric', 'peak', '3', 'avspatial.metrics.settings:MetricSettings',\n"
            "                      'loud_plugin.peak:Peak', 'Largest sample')]\n",
            peak="from avspatial.metrics.scalar import ScalarMetric\n"
            "class Peak(ScalarMetric, name='peak', unit='FS', higher_is_better=None):\n"
            "    def measure(self, prediction, reference, rate, truth):\n"
            "        return float(abs(prediction).max())\n",
        )
        monkeypatch.setenv("AVSPATIAL_PLUGINS", str(folder))
        done = evaluate(official, metrics=["peak"])
        assert done.summary.conditions["model"]["peak"].mean == 1
        assert (done.summary.metrics["peak"].id, done.summary.metrics["peak"].version) == ("loud.peak", "3")


@pytest.mark.parametrize("clips", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_many_clips(tmp_path: Path, clips: int) -> None:
    prediction, reference = (sound[:, :200] for sound in sounds(0))
    write_wav(tmp_path / "p.wav", prediction, RATE)
    write_wav(tmp_path / "r.wav", reference, RATE)
    rows = "".join(f"p.wav,r.wav,{number},{number % 7}\n" for number in range(clips))
    (tmp_path / "pairs.csv").write_text("prediction,reference,clip,recording\n" + rows)
    done = evaluate(tmp_path / "pairs.csv", save=tmp_path / "kept")
    assert (done.summary.clips, done.summary.conditions["model"]["snr"].n) == (clips, clips)
    assert done.summary.conditions["model"]["snr"].sd == pytest.approx(0, abs=1e-12)
    assert [clip for clip, _ in values(tmp_path / "kept")] == [str(number) for number in range(clips)]


PEAK = """
import resource, sys, time, avspatial
start = time.perf_counter()
done = avspatial.evaluate(sys.argv[1], metrics=["snr", "stft_distance"], save=sys.argv[2])
assert done.summary.failed == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.perf_counter() - start)
"""


@pytest.mark.slow
def test_ten_thousand_clips_take_ten_times_as_long_as_a_thousand_and_no_more_memory(tmp_path: Path) -> None:
    """Within 50 MiB: the list of the clips, and what is kept of each to go on by."""
    took = {}
    for clips in (1_000, 10_000):
        line = "p.wav,r.wav,{0},{0}\n"
        for name, sound in zip("pr", sounds(0), strict=True):
            write_wav(tmp_path / f"{name}.wav", sound[:, :200], RATE)
        (tmp_path / "pairs.csv").write_text(
            "prediction,reference,clip,recording\n" + "".join(map(line.format, range(clips)))
        )
        command = [sys.executable, "-c", PEAK, str(tmp_path / "pairs.csv"), str(tmp_path / f"of {clips}")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        took[clips] = [float(number) for number in done.stdout.split()]
    print(took)
    (memory, seconds), (more_memory, more_seconds) = took.values()
    assert more_memory < memory + 50
    assert more_seconds < 15 * seconds
