"""The log of a resumed training is that of an uninterrupted one."""

from __future__ import annotations

import json
from pathlib import Path

from avspatial.runs.whole import write_text


def rewind(log: Path, step: int) -> None:
    """Drop what a killed training wrote after its checkpoint of `step`: records of later steps, a half-written last
    line, and the record of that checkpoint itself, which may or may not have been written and is written anew.

    Records without a step stay.
    """
    if not log.is_file():
        return
    kept = [line for line in log.read_text(encoding="utf-8").splitlines() if _belongs(line, step)]
    write_text(log, "".join(f"{line}\n" for line in kept))


def _belongs(line: str, step: int) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    if record.get("event") == "checkpoint" and record.get("step") == step:
        return False
    return int(record.get("step", 0)) <= step
