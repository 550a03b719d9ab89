"""Convert video with mono sound into binaural video, guided by the picture, and compare methods that do.

    avspatial.spatialize         convert videos
    avspatial.spatialize_arrays  convert arrays
    avspatial.load               load the spatializer of a trained model
    avspatial.load_trained       load a trained model with its recipe, to spatialize many files
    avspatial.run                train and test a method by its recipe
    avspatial.evaluate           score predictions
    avspatial.compare            compare systems on the same clips
    avspatial.check_data         check a data set before it is used

Errors that the user can fix are `avspatial.errors.AvspatialError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names
from avspatial.version import __version__

__all__ = [
    "__version__",
    "check_data",
    "compare",
    "evaluate",
    "load",
    "load_trained",
    "run",
    "spatialize",
    "spatialize_arrays",
]

if TYPE_CHECKING:
    from avspatial.api.check_data import check_data
    from avspatial.api.compare import compare
    from avspatial.api.evaluate import evaluate
    from avspatial.api.load import load, load_trained
    from avspatial.api.run import run
    from avspatial.api.spatialize import spatialize, spatialize_arrays

__getattr__ = lazy_names(__name__)
