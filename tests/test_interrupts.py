"""SIGTERM and SIGHUP act as Ctrl-C does."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from avspatial.interrupts import STOPPING, postponed, signal_of, stoppable


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_interrupts_and_further_ones_leave_the_cleaning_up_alone(number: signal.Signals) -> None:
    before, cleaned = signal.getsignal(number), False
    with pytest.raises(KeyboardInterrupt) as error, stoppable():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            cleaned = True
    assert cleaned and signal.getsignal(number) is before
    assert signal_of(error.value) == number and signal_of(KeyboardInterrupt()) == signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGINT, *STOPPING])
def test_a_postponed_signal_takes_effect_at_the_end_of_the_block(number: signal.Signals) -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt) as error, stoppable(), postponed():
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)
        reached = True
    assert reached and signal_of(error.value) == number


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_installs_nothing() -> None:
    done = threading.Event()

    def work() -> None:
        with stoppable():
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done.is_set()


def test_work_in_a_terminal_that_closes_is_cleaned_up(tmp_path: Path) -> None:
    """Writing to the dead terminal fails; that must not keep the end of the work from being reached."""
    program = f"""
import sys, time
from pathlib import Path
from avspatial.interrupts import stoppable
folder = Path({str(tmp_path)!r})
try:
    with stoppable():
        print("begun", flush=True)
        (folder / "begun").touch()
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    (folder / "cleaned").touch()
"""
    child, terminal = pty.fork()
    if not child:  # pragma: no cover
        os.execv(sys.executable, [sys.executable, "-c", program])
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize("number", STOPPING)
def test_the_command_line_ends_with_128_and_the_signal(tmp_path: Path, number: signal.Signals) -> None:
    """`data simulate` has no handling of its own: nothing but finished files is left, also if it has just begun."""
    out = tmp_path / "scenes"
    command = [sys.executable, "-m", "avspatial", "data", "simulate", str(out), "--clips", "500", "--seconds", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        begun = ".scenes.*.part/*/*" if number == signal.SIGTERM else ".scenes.*.part"
        while not list(tmp_path.glob(begun)) and time.monotonic() < deadline:
            time.sleep(0.0005)
        process.send_signal(number)
        message = process.communicate()[1]
    assert process.returncode == 128 + number
    assert message.splitlines()[-1] == ("interrupted; no file is incomplete. Give the same command again to continue.")
    assert not list(tmp_path.glob(".scenes.*.part"))
