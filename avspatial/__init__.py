"""avspatial: video with mono sound in, video with binaural sound out, guided by the picture."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avspatial.version import __version__

__all__ = ["__version__", "compare", "evaluate", "load", "run", "spatialize", "spatialize_arrays"]

if TYPE_CHECKING:
    from avspatial.api.compare import compare
    from avspatial.api.evaluate import evaluate
    from avspatial.api.load import load
    from avspatial.api.run import run
    from avspatial.api.spatialize import spatialize, spatialize_arrays


_HOME = {
    "run": "avspatial.api.run",
    "load": "avspatial.api.load",
    "evaluate": "avspatial.api.evaluate",
    "compare": "avspatial.api.compare",
    "spatialize": "avspatial.api.spatialize",
    "spatialize_arrays": "avspatial.api.spatialize",
}


def __getattr__(name: str) -> Any:
    """`avspatial.run` and its siblings, imported on first use: importing avspatial costs nothing."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'avspatial' has no attribute {name!r}")
