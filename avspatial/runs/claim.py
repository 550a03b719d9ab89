"""A run belongs to one process: the claim on it is a file in its directory, `run.lock`, while the process works.

The claim is a lease of `filelock`, which needs no locks of the file system (NFS): the file names host and process, and
its time is renewed. A holder on this host that has exited is taken over at once, one on another host when it has not
renewed its claim for `_LEASE_S`.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import SoftFileLease, Timeout

from avspatial.errors import RunError, reason
from avspatial.runs.directory import Run

_LEASE_S = 60.0


@contextmanager
def claim(run: Run) -> Iterator[None]:
    """Hold the run for the block; RunError if another process holds it, or no file can be written there."""
    lease = SoftFileLease(run.path / "run.lock", lease_duration=_LEASE_S, thread_local=False)
    patience = _patience(lease)
    if patience:
        what = f"claimed by {_holder(lease, run)}, which has stopped renewing its claim"
        print(f"note: {run.path}: {what}; it is taken over in up to {patience:.0f} s", file=sys.stderr)
    try:
        lease.acquire(timeout=patience)
    except Timeout as error:
        what = f"another process is writing this run ({_holder(lease, run)})"
        fix = f"Wait until it has finished, or stop it. If it no longer exists, remove {lease.lock_file}."
        raise RunError(what, where=run.path, fix=fix) from error
    except OSError as error:
        fix = "Allow writing there, or copy the run to a folder that can be written."
        raise RunError(f"the run cannot be written: {reason(error)}", where=run.path, fix=fix) from error
    try:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": started}
        run.update_metadata(state="running", process=holder)
        yield
    finally:
        lease.release()


def _patience(lease: SoftFileLease) -> float:
    """Seconds to wait: a claim of another host must be seen not to change before it is taken over."""
    owner = lease.owner
    if owner is None or owner.hostname.partition("?")[0] == socket.gethostname():
        return 0.0
    with suppress(OSError):
        if time.time() - Path(lease.lock_file).stat().st_mtime > _LEASE_S:
            return 1.5 * _LEASE_S
    return 0.0


def _holder(lease: SoftFileLease, run: Run) -> str:
    owner = lease.owner
    if owner is None:
        return "host and process unknown"
    process = run.metadata.get("process") or {}
    since = f", since {process['since']}" if process.get("pid") == owner.pid and "since" in process else ""
    return f"host {owner.hostname.partition('?')[0]}, process {owner.pid}{since}"
