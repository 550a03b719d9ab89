"""Convert video with mono sound into binaural video, guided by the picture, and compare methods that do.

    avspatial.spatialize         convert videos
    avspatial.spatialize_arrays  convert arrays
    avspatial.load               load the spatializer of a trained model
    avspatial.load_trained       load a trained model with its recipe, to spatialize many files
    avspatial.run                train and test a method by its recipe
    avspatial.evaluate           score predictions
    avspatial.compare            compare systems on the same clips

Errors that the user can fix are `avspatial.errors.AvspatialError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avspatial.version import __version__

__all__ = ["__version__", "compare", "evaluate", "load", "load_trained", "run", "spatialize", "spatialize_arrays"]

if TYPE_CHECKING:
    from avspatial.api.compare import compare
    from avspatial.api.evaluate import evaluate
    from avspatial.api.load import load, load_trained
    from avspatial.api.run import run
    from avspatial.api.spatialize import spatialize, spatialize_arrays


_MODULES = {
    "run": "avspatial.api.run",
    "load": "avspatial.api.load",
    "load_trained": "avspatial.api.load",
    "evaluate": "avspatial.api.evaluate",
    "compare": "avspatial.api.compare",
    "spatialize": "avspatial.api.spatialize",
    "spatialize_arrays": "avspatial.api.spatialize",
}


def __getattr__(name: str) -> Any:
    """Import `avspatial.run` and its siblings on first use, so that `import avspatial` is fast."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'avspatial' has no attribute {name!r}")
