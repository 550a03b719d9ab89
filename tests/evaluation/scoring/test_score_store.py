"""An evaluation that is kept while it grows: stopped, gone on with, or refused."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.saved_sounds import RATE, evaluate, save_official, sounds, values

from avspatial.errors import AvspatialError, DataError, Interrupted
from avspatial.evaluation.scoring.file_pairs import find_pairs
from avspatial.evaluation.scoring.score_store import ScoreStore, open_store
from avspatial.media.audio import write_wav


def stopping_after(clips: int) -> Any:
    """A progress that interrupts after so many clips, as Ctrl-C does."""

    def progress(items: Iterable[Any], title: str) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number == clips:
                raise KeyboardInterrupt
            yield item

    return progress


class TestGoingOn:
    def test_interrupted_and_continued_equals_uninterrupted(self, official: Path, tmp_path: Path) -> None:
        kept, complete = tmp_path / "kept", tmp_path / "complete"
        with pytest.raises(Interrupted) as error:
            evaluate(official, metrics=None, save=kept, progress=stopping_after(2))
        assert str(error.value) == (
            f"{kept}: interrupted; 2 of 4 clips are scored\n  Give the same command again to go on."
        )
        assert len({clip for clip, _ in values(kept)}) == 2 and not (kept / "summary.json").exists()
        scored: list[str] = []

        def counting(items: Iterable[Any], title: str) -> Iterator[Any]:
            for item in items:
                scored.append(item.clip)
                yield item

        assert evaluate(official, metrics=None, save=kept, progress=counting) == evaluate(
            official, metrics=None, save=complete
        )
        assert scored == ["clip2", "clip3"]
        for name in ("scores.jsonl", "clips.jsonl", "summary.json", "evaluation.json"):
            assert (kept / name).read_bytes() == (complete / name).read_bytes()
        assert sorted(path.name for path in kept.iterdir()) == [
            "clips.jsonl",
            "evaluation.json",
            "scores.jsonl",
            "summary.json",
        ]

    def test_without_a_folder_nothing_is_kept(self, official: Path) -> None:
        with pytest.raises(Interrupted) as error:
            evaluate(official, progress=stopping_after(1))
        assert str(error.value) == (
            "interrupted; 1 of 4 clips are scored, and none is kept\n  `--save DIR` keeps them, to go on from."
        )

    @settings(max_examples=12)
    @given(cut=st.integers(0, 1200))
    def test_killed_anywhere_it_goes_on(self, cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
        """Whatever of the two growing files reached the disk: scores are written before their clip's line."""
        folder = tmp_path_factory.mktemp("killed")
        outputs, kept = save_official(folder / "outputs", clips=3), folder / "kept"
        expected = evaluate(outputs, save=kept)
        scores, clips = ((kept / name).read_bytes() for name in ("scores.jsonl", "clips.jsonl"))
        (kept / "clips.jsonl").write_bytes(clips[:cut])
        (kept / "scores.jsonl").write_bytes(scores[: max(len(scores) * cut // len(clips), cut and len(scores) // 2)])
        (kept / "summary.json").unlink()
        assert evaluate(outputs, save=kept) == expected
        assert (kept / "scores.jsonl").read_bytes() == scores and (kept / "clips.jsonl").read_bytes() == clips

    def test_killed_within_a_letter_it_goes_on(self, official: Path, tmp_path: Path) -> None:
        (official / "clip3").rename(official / "flûte")
        kept = tmp_path / "kept"
        expected = evaluate(official, save=kept)
        for name in ("scores.jsonl", "clips.jsonl"):
            complete = (kept / name).read_bytes()
            (kept / name).write_bytes(complete[: complete.rindex("û".encode()) + 1])
        assert evaluate(official, save=kept) == expected

    def test_failed_clips_are_tried_again_and_keep_their_place(self, official: Path, tmp_path: Path) -> None:
        missing = official / "clip1" / "predicted_binaural.wav"
        moved = missing.rename(tmp_path / "moved.wav")
        assert evaluate(official, save=tmp_path / "kept").summary.failed == 1
        moved.rename(missing)
        done = evaluate(official, save=tmp_path / "kept")
        assert done == evaluate(official, save=tmp_path / "fresh") and done.summary.failed == 0
        assert list(values(tmp_path / "kept")) == [(f"clip{number}", "snr") for number in range(4)]

    def test_new_clips_join(self, official: Path, tmp_path: Path) -> None:
        evaluate(official, save=tmp_path / "kept")
        (official / "clip0").rename(official / "clip9")
        message = self.refusal(official, save=tmp_path / "kept")
        assert message.startswith(f"{tmp_path}/kept: has scores of clip0, not among the 4 clips to score now\n")
        (official / "clip9").rename(official / "clip0")
        save_official(official, clips=6)
        for number in range(4):  # as they were
            for name in ("predicted_binaural.wav", "input_binaural.wav"):
                assert (official / f"clip{number}" / name).exists()
        assert "the files of clip0, clip1, clip2 and 1 more are not those" in self.refusal(
            official, save=tmp_path / "kept"
        )

    def refusal(self, outputs: Path, **options: Any) -> str:
        with pytest.raises(AvspatialError) as error:
            evaluate(outputs, **options)
        return str(error.value)

    FIX = "\n  Give the same command as before, another folder with `--save DIR`, or remove this one."

    def test_another_evaluation_is_refused_and_what_differs_is_named(self, official: Path, tmp_path: Path) -> None:
        kept = tmp_path / "kept"
        evaluate(official, save=kept)
        options = {"metrics": ["snr", "wave_l2"], "convention": "raw", "controls": ["mono"], "trim": True, "save": kept}
        assert self.refusal(official, **options) == (
            f"{kept}: holds another evaluation (metrics: snr there, snr, wave_l2 now; convention: fairplay there, "
            f"raw now; trim: False there, True now; controls: none there, mono now){self.FIX}"
        )
        about = json.loads((kept / "evaluation.json").read_text())
        about["versions"]["snr"] = "avspatial.snr@0"
        (kept / "evaluation.json").write_text(json.dumps(about))
        assert self.refusal(official, save=kept) == (
            f"{kept}: holds another evaluation (versions of snr: avspatial.snr@0 there, avspatial.snr@1 now){self.FIX}"
        )
        (kept / "evaluation.json").write_text("{")
        assert self.refusal(official, save=kept).startswith(f"{kept}/evaluation.json: not JSON: ")

    def test_changed_files_are_refused(self, official: Path, tmp_path: Path) -> None:
        kept = tmp_path / "kept"
        evaluate(official, save=kept)
        write_wav(official / "clip2" / "predicted_binaural.wav", sounds(0)[0], RATE)
        assert self.refusal(official, save=kept) == (
            f"{kept}: the files of clip2 are not those that were scored (prediction of clip2){self.FIX}"
        )

    def test_what_is_no_evaluation_is_not_written_over(self, official: Path, tmp_path: Path) -> None:
        (official / "scores.jsonl").write_text("mine\n")
        assert self.refusal(official, save=official) == (
            f"{official}: holds scores.jsonl of something else, which would be written over\n"
            "  Choose another folder with `--save DIR`."
        )
        assert (official / "scores.jsonl").read_text() == "mine\n"
        assert self.refusal(official, save=official / "scores.jsonl") == (
            f"{official}/scores.jsonl: is a file\n  Give a folder with `--save DIR`."
        )

    def test_an_invalid_line_is_reported(self, official: Path, tmp_path: Path) -> None:
        kept = tmp_path / "kept"
        evaluate(official, save=kept)
        for line, what in ((b"{\n", "not JSON: "), (b"7\n", "not an object of JSON"), (b"\xff\n", "not JSON: ")):
            (kept / "clips.jsonl").write_bytes(line)
            message = self.refusal(official, save=kept)
            assert message.startswith(f"{kept}/clips.jsonl:1: {what}") and message.endswith(self.FIX)

    @pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
    def test_what_cannot_be_written_is_reported_and_gone_on_with(self, official: Path, tmp_path: Path) -> None:
        limited = (
            "import resource, sys; from avspatial.cli.main import main;"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)); sys.exit(main(sys.argv[1:]))"
        )
        kept = tmp_path / "kept"
        command = [sys.executable, "-c", limited, "evaluate", str(official), "--save", str(kept), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines()[-2:] == [
            f"error: {kept}: the evaluation cannot be kept: file too large",
            "  Make room or give the right to write there and give the same command again, or choose another folder "
            "with `--save DIR`.",
        ]
        assert not (kept / ".evaluation.lock").exists()
        complete = evaluate(official, metrics=None, save=tmp_path / "complete")
        assert evaluate(official, metrics=None, save=kept) == complete

    def test_an_error_leaves_no_thread_behind(self, official: Path, tmp_path: Path, monkeypatch: Any) -> None:
        def refuse(*arguments: object) -> None:
            raise DataError("no room")

        monkeypatch.setattr(ScoreStore, "add", refuse)
        with pytest.raises(DataError) as error:
            evaluate(official, save=tmp_path / "kept")
        assert error.traceback  # it keeps the frames, and whatever is suspended in them, alive
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("score")]

    def test_two_at_a_time_are_refused(self, official: Path, tmp_path: Path) -> None:
        with open_store(tmp_path / "kept", {}, find_pairs(official)):
            assert self.refusal(official, save=tmp_path / "kept") == (
                f"{tmp_path}/kept: another evaluation is writing here\n"
                "  Wait for it, or choose another folder with `--save DIR`."
            )
        (tmp_path / "kept" / "evaluation.json").unlink()
        with pytest.raises(DataError, match="of something else"):
            evaluate(official, save=tmp_path / "kept")
