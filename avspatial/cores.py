"""The processor cores that this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Count the cores that the operating system lets this process use, by its CPU affinity where that is known."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
