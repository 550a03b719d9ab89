"""Which predictions and references belong together, in every layout."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from avspatial.errors import AvspatialError
from avspatial.evaluation.scoring.file_pairs import FilePair, find_pairs
from avspatial.interfaces import Truth
from avspatial.runs.outputs import save_outputs

LAYOUTS = (
    "\n  Give folders <clip>/predicted_binaural.wav with input_binaural.wav, a folder of predictions with "
    "`--reference DIR`, a csv of pairs, or a run directory."
)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def refusal(*arguments: Path | None) -> str:
    with pytest.raises(AvspatialError) as error:
        find_pairs(*arguments)
    return str(error.value)


class TestTheOfficialLayout:
    def test_one_folder_a_clip_in_the_order_of_names(self, tmp_path: Path) -> None:
        for clip in ("b", "a é", "deep/er"):
            touch(tmp_path / clip / "predicted_binaural.wav", tmp_path / clip / "input_binaural.flac")
            touch(tmp_path / clip / "mixed_mono.wav", tmp_path / clip / "picture.jpg")
        assert find_pairs(tmp_path) == [
            FilePair(clip, tmp_path / clip / "predicted_binaural.wav", tmp_path / clip / "input_binaural.flac", clip)
            for clip in ("a é", "b", "deep/er")
        ]

    def test_a_missing_file_is_still_a_pair(self, tmp_path: Path) -> None:
        touch(tmp_path / "a" / "predicted_binaural.wav", tmp_path / "b" / "input_binaural.wav")
        assert [(pair.clip, pair.reference.exists(), pair.prediction.exists()) for pair in find_pairs(tmp_path)] == [
            ("a", False, True),
            ("b", True, False),
        ]

    def test_a_single_clip_has_its_folders_name(self, tmp_path: Path) -> None:
        touch(tmp_path / "one" / "predicted_binaural.wav", tmp_path / "one" / "input_binaural.wav")
        assert [pair.clip for pair in find_pairs(tmp_path / "one")] == ["one"]

    def test_the_true_angles_next_to_a_prediction_are_taken(self, tmp_path: Path) -> None:
        truth = Truth(20.0, np.full((1, 4), 30.0), np.ones((1, 4)))
        save_outputs(tmp_path / "a", np.ones((2, 100)), np.ones((2, 100)), 16000, truth=truth)
        save_outputs(tmp_path / "b", np.ones((2, 100)), np.ones((2, 100)), 16000)
        first, second = find_pairs(tmp_path)
        assert first.truth is not None and first.truth.azimuth.tolist() == [[30.0] * 4] and second.truth is None
        (tmp_path / "a" / "truth.json").write_text("{}")
        assert refusal(tmp_path) == (
            f"{tmp_path}/a/truth.json: not a readable truth.json\n"
            "  Restore it, or remove it: the clip is then scored without true angles."
        )

    def test_nothing_to_score(self, tmp_path: Path) -> None:
        assert refusal(tmp_path) == f"{tmp_path}: holds nothing to score{LAYOUTS}"
        touch(tmp_path / "a.wav")
        assert refusal(tmp_path) == f"{tmp_path}: holds audio, but no references{LAYOUTS}"
        assert refusal(tmp_path / "no") == f"{tmp_path}/no: no such folder or file{LAYOUTS}"


class TestTwoFolders:
    def test_matched_by_name_whatever_the_suffix(self, tmp_path: Path) -> None:
        touch(tmp_path / "out" / "x.1.WAV", tmp_path / "out" / "sub" / "y.mp4", tmp_path / "out" / "notes.txt")
        touch(tmp_path / "ref" / "x.1.flac", tmp_path / "ref" / "sub" / "y.wav", tmp_path / "ref" / ".hidden.wav")
        assert [
            (p.clip, p.prediction.name, p.reference.name) for p in find_pairs(tmp_path / "out", tmp_path / "ref")
        ] == [
            ("sub/y", "y.mp4", "y.wav"),
            ("x.1", "x.1.WAV", "x.1.flac"),
        ]

    def test_official_predictions_against_a_folder_of_references(self, tmp_path: Path) -> None:
        touch(tmp_path / "out" / "a" / "predicted_binaural.wav", tmp_path / "out" / "a" / "mixed_mono.wav")
        touch(tmp_path / "ref" / "a.wav")
        assert find_pairs(tmp_path / "out", tmp_path / "ref") == [
            FilePair("a", tmp_path / "out" / "a" / "predicted_binaural.wav", tmp_path / "ref" / "a.wav", "a")
        ]

    def test_what_is_in_one_folder_only_is_a_pair_that_will_fail(self, tmp_path: Path) -> None:
        touch(
            tmp_path / "out" / "a.wav",
            tmp_path / "out" / "b.wav",
            tmp_path / "ref" / "b.wav",
            tmp_path / "ref" / "c.wav",
        )
        found = find_pairs(tmp_path / "out", tmp_path / "ref")
        assert [(p.clip, p.prediction.exists(), p.reference.exists()) for p in found] == [
            ("a", True, False),
            ("b", True, True),
            ("c", False, True),
        ]

    def test_an_accent_is_an_accent_however_it_is_written(self, tmp_path: Path) -> None:
        touch(tmp_path / "out" / f"{unicodedata.normalize('NFD', 'é')}.wav", tmp_path / "ref" / "é.wav")
        assert [pair.clip for pair in find_pairs(tmp_path / "out", tmp_path / "ref")] == ["é"]

    def test_two_files_for_one_clip_are_refused(self, tmp_path: Path) -> None:
        touch(tmp_path / "out" / "a.wav", tmp_path / "out" / "a.flac", tmp_path / "ref" / "a.wav")
        assert refusal(tmp_path / "out", tmp_path / "ref") == (
            f"{tmp_path}/out: two files for clip a: a.flac and a.wav\n  Remove or rename one of them."
        )

    def test_folders_that_have_nothing_in_common_are_refused(self, tmp_path: Path) -> None:
        touch(tmp_path / "out" / "a_pred.wav", tmp_path / "ref" / "a.wav", tmp_path / "empty" / "x.txt")
        assert refusal(tmp_path / "out", tmp_path / "ref") == (
            f"{tmp_path}/out: no prediction has the name of a reference: there is a_pred here, a in {tmp_path}/ref\n"
            "  Name both alike (suffixes may differ), or list the pairs in a csv: prediction,reference."
        )
        assert (
            refusal(tmp_path / "out", tmp_path / "empty") == f"{tmp_path}/empty: holds no audio or video file{LAYOUTS}"
        )
        assert refusal(tmp_path / "out", tmp_path / "no") == (
            f"{tmp_path}/no: no such folder of references\n  Name it with `--reference DIR`."
        )
        assert refusal(tmp_path / "out", tmp_path / "out") == (
            f"{tmp_path}/out: the references are the predictions themselves\n  Name their own folder."
        )

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
    def test_a_folder_that_cannot_be_listed_is_refused(self, tmp_path: Path) -> None:
        touch(tmp_path / "a" / "predicted_binaural.wav", tmp_path / "a" / "input_binaural.wav")
        (tmp_path / "closed").mkdir(mode=0)
        assert refusal(tmp_path) == (
            f"{tmp_path}/closed: cannot be listed: Permission denied\n  Give yourself the right to read it."
        )

    def test_a_name_that_is_not_utf8_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        Path(os.fsdecode(bytes(tmp_path / "out") + b"/\xff.wav")).touch()
        assert refusal(tmp_path / "out") == f"{tmp_path}/out/\\xff.wav: a name that is not in UTF-8\n  Rename it."


class TestACsv:
    def listed(self, folder: Path, text: str, encoding: str = "utf-8") -> Path:
        (folder / "pairs.csv").write_text(text, encoding=encoding)
        return folder / "pairs.csv"

    def test_paths_are_relative_to_its_folder_and_the_order_is_its_own(self, tmp_path: Path) -> None:
        text = 'recording, reference, prediction\nr1,"b, c.wav",z/b.wav\n,/abs/a.wav,y/a/predicted_binaural.wav\n'
        assert find_pairs(self.listed(tmp_path, text, "utf-8-sig")) == [
            FilePair("z/b", tmp_path / "z/b.wav", tmp_path / "b, c.wav", "r1"),
            FilePair("y/a", tmp_path / "y/a/predicted_binaural.wav", Path("/abs/a.wav"), "y/a"),
        ]

    def test_clips_may_be_named(self, tmp_path: Path) -> None:
        found = find_pairs(self.listed(tmp_path, "prediction,reference,clip\na.wav,r.wav,one\na.wav,r.wav,two\n"))
        assert [(pair.clip, pair.recording) for pair in found] == [("one", "one"), ("two", "two")]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "predictions,reference\na,b\n",
                ": has no column prediction (did you mean 'predictions'?); it has predictions, reference\n"
                "  The first line names the columns: prediction,reference and, if wanted, clip,recording.",
            ),
            (
                "",
                ": has no column prediction; it has none\n  The first line names the columns: prediction,reference "
                "and, if wanted, clip,recording.",
            ),
            ("prediction,reference\n", ": lists no pair\n  Write one pair a line, below the line of columns."),
            ("prediction,reference\na.wav\n", ":2: no reference in this line\n  Write it, or remove the line."),
            (
                "prediction,reference\na.wav,b.wav,c.wav\n",
                ":2: has more fields than there are columns\n  Put quotes around a name that holds a comma.",
            ),
            (
                "prediction,reference\na.wav,b.wav\na.wav,c.wav\n",
                ": lists clip a twice\n  List it once, or name clips in a column clip.",
            ),
        ],
    )
    def test_what_is_wrong_with_it_is_named(self, tmp_path: Path, text: str, message: str) -> None:
        path = self.listed(tmp_path, text)
        assert refusal(path) == f"{path}{message}"

    def test_other_files_are_not_readable_as_one(self, tmp_path: Path) -> None:
        (tmp_path / "a.wav").write_bytes(b"RIFF\xff\xfe\x00")
        assert refusal(tmp_path / "a.wav").startswith(f"{tmp_path}/a.wav: not a readable csv (")
        assert refusal(self.listed(tmp_path, "prediction,reference\na,b\n"), tmp_path) == (
            f"{tmp_path}/pairs.csv: a csv of pairs names its references itself\n  Leave out `--reference`."
        )


class TestARunDirectory:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Path:
        touch(tmp_path / "run.json", tmp_path / "recipe.resolved.yaml")
        touch(tmp_path / "outputs" / "a" / "predicted_binaural.wav", tmp_path / "outputs" / "a" / "input_binaural.wav")
        touch(tmp_path / "controls" / "blank_picture" / "a" / "predicted_binaural.wav")
        return tmp_path

    def test_its_outputs_alone(self, run: Path) -> None:
        assert [(pair.clip, pair.recording) for pair in find_pairs(run)] == [("a", "a")]

    def test_recordings_and_clips_that_have_no_outputs_by_its_own_scores(self, run: Path) -> None:
        lines = [{"clip": clip, "recording": "r", "metric": "snr", "row": "model", "value": 1} for clip in "ab"]
        (run / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        found = find_pairs(run)
        assert [(pair.clip, pair.recording, pair.prediction.exists()) for pair in found] == [
            ("a", "r", True),
            ("b", "r", False),
        ]
        (run / "scores.jsonl").write_text('{"row": "model"}\n')
        assert refusal(run) == (
            f"{run}/scores.jsonl:1: is damaged (clip: Field required)\n"
            "  Restore it, or remove it: each clip is then its own recording."
        )


class TestScenes:
    LINE = {"clip": "000001", "rate": 20, "sources": [{"azimuth": [10.0], "energy": [1.0]}]}

    def test_true_angles_by_the_clips_name(self, official: Path, tmp_path: Path) -> None:
        scenes = tmp_path / "scenes.jsonl"
        scenes.write_text(json.dumps({**self.LINE, "clip": "clip1"}) + "\n")
        truths = [pair.truth for pair in find_pairs(official, scenes=scenes)]
        assert [truth is not None for truth in truths] == [False, True, False, False]
        assert truths[1] is not None and truths[1].azimuth.tolist() == [[10.0]]

    def test_a_csv_of_directions_holds_them_too(self, official: Path, tmp_path: Path) -> None:
        directions = tmp_path / "directions.csv"
        directions.write_text("clip,azimuth\nclip1,-35\n")
        truths = [pair.truth for pair in find_pairs(official, scenes=directions)]
        assert truths[0] is None and truths[1] is not None
        assert set(truths[1].azimuth.ravel()) == {-35.0}
        (official / "clip1" / "input_binaural.wav").write_bytes(b"damaged")
        directions.write_text("clip,azimuth\nclip1,-35\nclip0,10\n")
        truths = [pair.truth for pair in find_pairs(official, scenes=directions)]
        assert truths[0] is not None and truths[1] is None

    def test_scenes_of_other_clips_are_refused(self, official: Path, tmp_path: Path) -> None:
        scenes = tmp_path / "scenes.jsonl"
        scenes.write_text(json.dumps(self.LINE) + "\n")
        assert refusal(official, None, scenes) == (
            f"{scenes}: tells of none of the clips: there is 000001 here, clip0 to score\n"
            "  Give the scenes.jsonl, or the csv of directions, of the data that was spatialized."
        )
        where = "\n  It is in the folder of the simulated scenes."
        assert refusal(official, None, tmp_path / "no") == f"{tmp_path}/no: no such file of scenes{where}"
        scenes.write_text("{}\n")
        assert refusal(official, None, scenes) == f"{scenes}: not a readable scenes.jsonl{where}"
