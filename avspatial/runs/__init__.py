"""Run directories: their files, metadata and provenance."""

from avspatial.runs.directory import Run, create_run, digest8, new_run, open_run, runs_in

__all__ = ["Run", "create_run", "digest8", "new_run", "open_run", "runs_in"]
