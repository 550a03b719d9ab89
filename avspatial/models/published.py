"""Weights as a method's authors publish them, renamed to ours. The spatializer declares the names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from avspatial.errors import RunError
from avspatial.interfaces import Spatializer
from avspatial.models.pretrained import differences, read_weights

_OWN = "mixture_rms"
"""The only tensor in a spatializer's state that no published file holds."""

_COUNTER = "num_batches_tracked"
"""Batch normalisation's count of batches: torch before 0.4.1 did not save it, and no computation uses it."""

_FIX = "Give the file as its authors published it."


def load_published(spatializer: Spatializer, files: Mapping[str, Path]) -> None:
    """Load published weights, {part: file}, into the spatializer; it is unchanged unless everything fits.

    RunError for a missing or unknown part, a file that is missing or no plain state dict, and for keys that are
    missing, unknown or of another shape.
    """
    parts = spatializer.published_names()
    _check_parts(parts, files)
    state = spatializer.state_dict()
    renamed: dict[str, Tensor] = {}
    for part, names in parts.items():
        weights = _fitting(files[part], part, parts, state)
        renamed |= {own: weights[name] for name, own in names.items() if own is not None}
    unnamed = differences(state, {**renamed, _OWN: state[_OWN]})
    if unnamed:
        raise RunError(
            f"the published files do not fill this model: {unnamed}",
            where="model",
            fix="Take the recipe that the weights were published for.",
        )
    spatializer.load_state_dict({**renamed, _OWN: state[_OWN]})


def _check_parts(parts: Mapping[str, object], files: Mapping[str, Path]) -> None:
    wrong = [f"{part} is missing" for part in parts if part not in files]
    wrong += [f"there is no {part}" for part in files if part not in parts]
    if wrong:
        raise RunError(
            f"the weights are published in parts, one file each: {', '.join(parts)}; {'; '.join(wrong)}",
            fix=f"Give {' '.join(f'--{part} FILE' for part in parts)}.",
        )


def _fitting(
    path: Path, part: str, parts: Mapping[str, Mapping[str, str | None]], state: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors of one file by its names; RunError unless names and shapes are those of the part."""
    weights = read_weights(path, _FIX)
    wrong = _differences(parts[part], weights, state)
    if wrong:
        others = [other for other in parts if not _differences(parts[other], weights, state)]
        fix = f"These are the keys of {others[0]}: are the files exchanged?" if others else _FIX
        raise RunError(f"other weights than those of {part}: {wrong}", where=path, fix=fix)
    counters = {name: torch.tensor(0) for name in parts[part] if name.endswith(_COUNTER)}
    return {**counters, **weights}


def _differences(names: Mapping[str, str | None], weights: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    here = {name: own for name, own in names.items() if name in weights or not name.endswith(_COUNTER)}
    return differences({name: None if own is None else state.get(own) for name, own in here.items()}, weights)
