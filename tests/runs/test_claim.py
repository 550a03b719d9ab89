"""A run belongs to one process: who holds it, what another one is refused with, and which claims are taken over."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from avspatial.errors import RunError
from avspatial.runs import Run, create_run
from avspatial.runs import claim as module
from avspatial.runs.claim import claim

HOLD = """
import sys, time
from avspatial.runs import Run
from avspatial.runs.claim import claim
with claim(Run(__import__("pathlib").Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path, "demo", "seed: 0\n", "seed: 0\n")


@contextmanager
def holder(run: Run) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the run."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run.path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def refusal(run: Run) -> str:
    with pytest.raises(RunError) as caught, claim(run):
        pass
    return str(caught.value)


def test_a_run_that_another_process_writes_is_refused_with_host_process_and_time(run: Run) -> None:
    with holder(run) as process:
        host = re.escape(socket.gethostname())
        assert re.fullmatch(
            rf"{run.path}: another process is writing this run "
            rf"\(host {host}, process {process.pid}, since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\)\n"
            rf"  Wait until it has finished, or stop it\. If it no longer exists, remove {run.path}/run\.lock\.",
            refusal(run),
        )


def test_a_holder_that_was_killed_is_taken_over_at_once(run: Run) -> None:
    with holder(run) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (run.path / "run.lock").exists()
    start = time.monotonic()
    with claim(run):
        assert time.monotonic() - start < 2
        assert run.metadata["process"]["pid"] == os.getpid()
    assert not (run.path / "run.lock").exists()


def test_another_thread_of_this_process_is_refused_too(run: Run) -> None:
    messages = []
    with claim(run):
        thread = threading.Thread(target=lambda: messages.append(refusal(run)))
        thread.start()
        thread.join()
    assert f"process {os.getpid()}" in messages[0]


def test_a_claim_that_names_nobody_is_refused_with_what_to_remove(run: Run) -> None:
    (run.path / "run.lock").touch()
    assert refusal(run) == (
        f"{run.path}: another process is writing this run (host and process unknown)\n"
        f"  Wait until it has finished, or stop it. If it no longer exists, remove {run.path}/run.lock."
    )


def test_a_claim_of_another_host_is_taken_over_when_it_is_not_renewed(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_LEASE_S", 0.3)
    lock = run.path / "run.lock"
    lock.write_text("filelock/2\npid=1\nhost=elsewhere\nmode=lease\ntoken=0badcafe\nduration=0.3\n")
    assert "(host elsewhere, process 1)" in refusal(run)
    os.utime(lock, (0, 0))
    with claim(run):
        assert run.metadata["process"]["host"] == socket.gethostname()
    assert capsys.readouterr().err == (
        f"note: {run.path}: claimed by host elsewhere, process 1, which has stopped renewing its claim; "
        "it is taken over in up to 0 s\n"
    )


def test_a_run_that_cannot_be_written_is_refused_with_the_reason(run: Run) -> None:
    (run.path / "run.lock").mkdir()
    assert refusal(run).startswith(f"{run.path}: ")
