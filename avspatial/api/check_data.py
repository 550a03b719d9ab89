"""Check a data set before it is used: `avspatial.check_data`."""

from __future__ import annotations

from pathlib import Path

from avspatial.cores import usable_cores
from avspatial.data.check.check import check_dataset
from avspatial.data.check.result import DataCheck
from avspatial.data.open_dataset import open_dataset
from avspatial.folders import as_path
from avspatial.interfaces import Progress
from avspatial.progress import show_on_stderr
from avspatial.recipe.layers import Overrides
from avspatial.registry import discover


def check_data(
    root: str | Path,
    *,
    use: str | None = None,
    settings: Overrides = (),
    images: bool = True,
    jobs: int | None = None,
    progress: Progress = show_on_stderr,
) -> DataCheck:
    """Check a data set: damage, sound, directions, and audio that two splits share.

    Every clip is decoded once. Damaged clips are reported, not raised.

    Args:
        root: The folder of the data.
        use: Name of the data set, as in a recipe's `data` [default: guessed from what the folder holds].
        settings: Settings of the data set, such as {"split": 2}.
        images: Whether to decode the images as well: they show damage, stills and on which side something moves.
        jobs: Clips at once; it changes no number [default: the usable cores].
        progress: Shows the progress.

    Returns:
        What was found; `passed` is False for leaks and damage.

    Raises:
        AvspatialError: No such folder, an unknown data set, settings that are not valid, or nothing to check.
    """
    registry = discover()
    registry.report_failures()
    opened = open_dataset(as_path(root), use, settings, registry, progress)
    return check_dataset(
        opened.dataset, as_path(root), opened.use, opened.settings, images=images, jobs=jobs or usable_cores()
    )
