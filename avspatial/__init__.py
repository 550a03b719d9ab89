"""avspatial: video with mono sound in, video with binaural sound out, guided by the picture."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avspatial.version import __version__

__all__ = ["__version__", "compare", "evaluate", "load", "run", "spatialize", "spatialize_arrays"]

if TYPE_CHECKING:
    from avspatial.comparing import compare
    from avspatial.evaluation.evaluate import evaluate
    from avspatial.runner import load, run
    from avspatial.spatializing import spatialize, spatialize_arrays


_HOME = {
    "run": "avspatial.runner",
    "load": "avspatial.runner",
    "evaluate": "avspatial.evaluation.evaluate",
    "compare": "avspatial.comparing",
    "spatialize": "avspatial.spatializing",
    "spatialize_arrays": "avspatial.spatializing",
}


def __getattr__(name: str) -> Any:
    """`avspatial.run` and its siblings, imported on first use: importing avspatial costs nothing."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'avspatial' has no attribute {name!r}")
