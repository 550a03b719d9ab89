"""The components that a recipe chose, collected from its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from avspatial.recipe.schema import ModelRecipe, Recipe
from avspatial.settings import Selected, Settings


def components(recipe: Recipe) -> dict[str, str]:
    """The components of a training, by key: {"model.visual_encoder": "avspatial.c3d@1", ...}."""
    return {**model_components(recipe), **_chosen("trainer", recipe.trainer)}


def model_components(recipe: ModelRecipe) -> dict[str, str]:
    """The components that the model's weights belong to, by key."""
    return _chosen("model", recipe.model)


def auxiliary_datasets(recipe: Recipe) -> dict[str, Selected]:
    """The data sets that the trainer uses in addition to the recipe's `data`, by the name of the setting."""
    return {name: value for name, value in _choices(recipe.trainer.settings) if value.kind == "dataset"}


def _chosen(key: str, selected: Selected) -> dict[str, str]:
    chosen = {key: f"{selected.id}@{selected.version}"}
    for name, value in _choices(selected.settings):
        if value.kind != "dataset":  # weights do not depend on where the training data is
            chosen |= _chosen(f"{key}.{name}", value)
    return chosen


def _choices(settings: Settings) -> list[tuple[str, Selected]]:
    return [(name, value) for name, value in settings if isinstance(value, Selected)]


def untrained(selected: Selected) -> Selected:
    """The choice with `pretrained: false` everywhere, for networks whose weights are loaded from a run."""
    changes: dict[str, Any] = {name: untrained(value) for name, value in _choices(selected.settings)}
    if "pretrained" in type(selected.settings).model_fields:
        changes["pretrained"] = False
    return replace(selected, settings=selected.settings.model_copy(update=changes))
