"""`avspatial spatialize FOLDER` over everything at once, checked by ffprobe and ffmpeg."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import all_sorts
from support.all_sorts import Case
from support.odd_times import lag

from avspatial.cli.main import main
from avspatial.text import markdown_table

RATE = 16000
CASES = [*all_sorts.formats(), *all_sorts.odd(), *all_sorts.hostile(), *all_sorts.named()]


def probe(path: Path, *sections: str) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_data_hash", "md5", *sections, f"file:{path}"]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer


def shown_packets(path: Path) -> list[tuple[float, str]]:
    """Time stamp, from the first one on, and hash of each video packet that is shown."""
    packets = probe(path, "-show_packets", "-select_streams", "V:0")["packets"]
    shown = [packet for packet in packets if "D" not in packet["flags"]]
    first = min(float(packet["pts_time"]) for packet in shown)
    return sorted((round(float(packet["pts_time"]) - first, 2), packet["data_hash"]) for packet in shown)


def mono(path: Path) -> np.ndarray:
    """The first audio track as ffmpeg plays it, from the time 0 on, at 16 kHz."""
    filters = "aresample=async=1:min_hard_comp=0.01:first_pts=0"
    command = ["ffmpeg", "-v", "error", "-i", f"file:{path}", "-map", "0:a:0", "-af", filters, "-ac", "1"]
    done = subprocess.run([*command, "-ar", str(RATE), "-f", "f32le", "-"], capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32)


def side(path: Path) -> list[Any]:
    """What lies around the packets: rotation and other side data of the video, title and chapters."""
    answer = probe(path, "-show_streams", "-show_format", "-show_chapters", "-select_streams", "V:0")
    (video,) = answer["streams"]
    titles = [chapter["tags"]["title"] for chapter in answer["chapters"]]
    return [video.get("side_data_list"), answer["format"].get("tags", {}).get("title"), titles]


def problems(case: Case, source: Path, out: Path) -> Iterator[str]:
    """In what the output differs: frames that are shown, what is around them, audio in step at its start and end."""
    if shown_packets(out) != shown_packets(source):
        yield f"{case.name}: shows other frames"
    if side(out) != side(source):
        yield f"{case.name}: {side(source)} became {side(out)}"
    true, played = all_sorts.true(10, RATE)[0], mono(out)
    for at in (case.begins + 0.05, case.ends - 0.35):
        content = case.shift + case.speed * at
        late = lag(played, true, RATE, content, 0.25) + content - at
        if abs(late) > 0.004:
            yield f"{case.name}: {late:.3f} s late at {at:.2f} s"
    if abs(len(played) - len(mono(source))) > 0.1 * RATE:
        yield f"{case.name}: {len(mono(source)) / RATE:.2f} s became {len(played) / RATE:.2f} s"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ffprobe") or not shutil.which("ffmpeg"), reason="needs ffmpeg and ffprobe")
def test_a_folder_of_all_sorts(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = tmp_path / "films"
    for case in CASES:
        path = films / case.name
        path.parent.mkdir(parents=True, exist_ok=True)
        case.make(path)
    before = {case.name: (films / case.name).read_bytes() for case in CASES}
    command = [
        "spatialize",
        str(films),
        "--model",
        str(model),
        "-o",
        str(tmp_path / "out"),
        "--device",
        "cpu",
        "--json",
    ]
    assert main(command) == 1
    results = {
        str(Path(result["input"]).relative_to(films)): result for result in json.loads(capsys.readouterr().out)["files"]
    }
    assert sorted(results) == sorted(case.name for case in CASES)
    rows = []
    for case in CASES:
        result = results[case.name]
        error, notes = result.get("error") or "", result.get("notes") or []
        rows.append(
            (case.name, "refused" if error else "done with notes" if notes else "done", error or "; ".join(notes))
        )
    print(markdown_table([("file", "result", "why"), *rows]))
    wrong = []
    for case, (_, state, why) in zip(CASES, rows, strict=True):
        expected = "refused" if case.refusal else "done with notes" if case.note else "done"
        if state != expected or (case.refusal or case.note) not in why:
            wrong.append(f"{case.name}: {state} ({why}), but {expected} ({case.refusal or case.note})")
        elif not case.refusal:
            wrong += problems(case, films / case.name, Path(results[case.name]["output"]))
    assert not wrong, "\n".join(wrong)
    assert before == {case.name: (films / case.name).read_bytes() for case in CASES}
    assert len(list((tmp_path / "out").rglob("*.*"))) == sum(not case.refusal for case in CASES)
