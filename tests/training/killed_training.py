"""A program: kill trainings with SIGKILL at chosen moments, resume them, and print what each left.

    python killed_training.py FOLDER TRAINER MOMENT...

A moment is a number n, the n-th time that the training opens, renames or removes something in its run directory, or
a time such as `0.25s`; `n+m` kills the resumed training too, at its m-th time, and resumes again.
The first line printed is the number of such events in a complete training and its digest, then one line per moment:
where the newest checkpoint was after the kill, and the digest after the resume.

Each training runs in a fork of this process, so that the libraries are imported once.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # torch.optim imports it late: once here, not in every fork
from rich.console import Console
from support.tiny_training import Scenes, gan_settings, run_in, supervised_settings, trainer

from avspatial.training.checkpoints import resolve_pointer
from avspatial.training.devices import Devices
from avspatial.training.loop import train

TOUCHING = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
PLAN: dict[str, Any] = {
    "steps": 6,
    "validate_every": 1,
    "checkpoint_every": 2,
    "keep": 1,
    "lr": 1e-2,
    "schedule": "cosine",
    "warmup": 2,
}


def watch(folder: Path, kill_at: int, counter: Path | None = None) -> None:
    """Count what touches the run directory; end this process by SIGKILL at the given count."""
    count = 0

    def hook(event: str, details: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in TOUCHING or not str(details[0]).startswith(str(folder)):
            return
        count += 1
        if counter is not None:
            os.truncate(counter, count)
        if count == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def learn(folder: Path, kind: str, resume: bool) -> None:
    settings = gan_settings(**PLAN) if kind == "gan" else supervised_settings(**PLAN)
    run = run_in(folder)
    more: dict[str, Any] = {"devices": Devices("cpu"), "console": Console(quiet=True)}
    model = trainer(settings)
    torch.manual_seed(99 + resume)  # what ran before the loop must not matter
    train(model, Scenes(), Scenes(3, seed=1), run, seed=0, resume=resume, **more)


def forked(work: Any, *, kill_after: float | None = None) -> int:
    """Run `work` in a child; its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digest(folder: Path) -> dict[str, Any]:
    run = run_in(folder)
    untimed = [{k: v for k, v in r.items() if k not in ("clips_per_second", "waiting")} for r in run.records()]
    newest, best = resolve_pointer(run), resolve_pointer(run, "BEST")
    assert newest is not None and best is not None
    return {
        "model": hashlib.sha256((newest / "model.safetensors").read_bytes()).hexdigest(),
        "rest": hashlib.sha256((newest / "optimizer.safetensors").read_bytes()).hexdigest(),
        "state": json.loads((newest / "state.json").read_text()),
        "best": best.name,
        "folders": sorted(path.name for path in run.checkpoints.iterdir()),
        "log": untimed,
    }


def scenario(folder: Path, kind: str, moment: str) -> dict[str, Any]:
    folder.mkdir()

    def doomed(count: str, resume: bool) -> None:
        watch(folder, int(count))
        learn(folder, kind, resume)

    if moment.endswith("s"):
        status = forked(lambda: learn(folder, kind, False), kill_after=float(moment[:-1]))
    else:
        first, *later = moment.split("+")
        status = forked(lambda: doomed(first, False))
        for count in later:
            status = forked(lambda count=count: doomed(count, True))
    newest = resolve_pointer(run_in(folder))
    resumed = forked(lambda: learn(folder, kind, True))
    return {
        "killed": status == -signal.SIGKILL,
        "at": newest.name if newest else None,
        "resumed": resumed,
        "end": digest(folder),
    }


def main() -> None:
    torch.set_num_threads(1)
    folder, kind, moments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    complete, counter = folder / "complete", folder / "counter"
    complete.mkdir()
    counter.write_bytes(b"")

    def counted() -> None:
        watch(complete, 0, counter)
        learn(complete, kind, False)

    assert forked(counted) == 0
    print(json.dumps({"events": counter.stat().st_size, "end": digest(complete)}))
    for moment in moments:
        print(json.dumps(scenario(folder / f"at-{moment}", kind, moment)))


if __name__ == "__main__":
    main()
