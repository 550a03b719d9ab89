"""Opening a folder as a data set, as a recipe would, by the name of a component or by what the folder holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from avspatial.data.layout import SIMULATED
from avspatial.errors import AvspatialError, DataError
from avspatial.folders import files_below
from avspatial.interfaces import Dataset, Progress
from avspatial.media.audio import audio_info, is_audio
from avspatial.recipe.component_settings import component_settings
from avspatial.recipe.layers import Override, Overrides, override_list
from avspatial.registry import Registry
from avspatial.settings import Selected

_TRIED = 20
"""Files that are opened to find out how many channels the audio has."""
_FIELD_CHANNELS = 4
"""Channels from which on audio is taken for first-order ambisonics; some carriers have six."""


@dataclass(frozen=True)
class OpenedDataset:
    """A data set, and how a recipe would name it.

    Attributes:
        dataset: The data set, not prepared yet.
        use: Its name.
        settings: What was given in addition to the defaults, as a recipe writes it.
        guessed: Whether the name was guessed.
    """

    dataset: Dataset
    use: str
    settings: dict[str, Any]
    guessed: bool


def open_dataset(
    root: Path, use: str | None, overrides: Overrides, registry: Registry, progress: Progress
) -> OpenedDataset:
    """Open a folder as a data set.

    Args:
        root: The folder; the setting `root` of the data set.
        use: Name of the data set [default: guessed from what the folder holds].
        overrides: Its other settings.
        registry: Finds the data set.
        progress: Shows the progress of long work.

    Returns:
        The data set.

    Raises:
        DataError: No such folder, or nothing in it that can be read.
        PluginError: No data set of this name.
        RecipeError: Settings that are not valid.
    """
    if not root.is_dir():
        raise DataError("no such folder", where=root, fix="Name the folder that holds the data.")
    name, known = (use, []) if use else guess(root)
    entry = registry.get("dataset", name)
    given: list[Override] = [*known, ("root", str(root)), *override_list(overrides)]
    settings, names = component_settings(entry.settings_class(), given, registry)
    written = settings.model_dump(mode="json", include=set(names), by_alias=True)
    dataset = registry.build(Selected("dataset", entry.id, entry.version, settings), progress=progress)
    return OpenedDataset(dataset, name, written, use is None)


def guess(root: Path) -> tuple[str, Sequence[Override]]:
    """Guess which data set reads a folder.

    Args:
        root: The folder.

    Returns:
        Its name, and the settings that the folder itself states.

    Raises:
        DataError: The folder holds no audio.
    """
    if (root / SIMULATED).is_file():
        return "simulated", _stated(root / SIMULATED)
    if (root / "splits").is_dir() and (root / "binaural_audios").is_dir():
        return "fairplay", []
    for path in islice(files_below(root, is_audio), _TRIED):
        try:
            return ("foa360" if audio_info(path).channels >= _FIELD_CHANNELS else "folder"), []
        except AvspatialError:
            continue  # a video without audio, or damaged: another file shows what the folder holds
    raise DataError(
        "holds no audio that can be read",
        where=root,
        fix="Name the folder that holds the data, and the data set that reads it: --use NAME.",
    )


def _stated(path: Path) -> Sequence[Override]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))["settings"]
        return [(str(key), value) for key, value in settings.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("cannot be read", where=path, fix="Render the scenes again.") from error
