"""Settings of one component from overrides alone, without a recipe."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from avspatial.errors import RecipeError
from avspatial.recipe.layers import Overrides, apply_overrides
from avspatial.recipe.messages import ErrorTranslator
from avspatial.recipe.yaml_tree import SourceLocation, from_dict, to_dict
from avspatial.settings import ComponentLookup, Settings

_Settings = TypeVar("_Settings", bound=Settings)


def component_settings(
    schema: type[_Settings], overrides: Overrides, registry: ComponentLookup
) -> tuple[_Settings, list[str]]:
    """Validate the settings of a component.

    Args:
        schema: Class of the settings.
        overrides: Keys and values, or texts as `--set` takes them.
        registry: Finds the components that the settings choose.

    Returns:
        The settings, and the names of those that were given.

    Raises:
        RecipeError: Every error at once, one a line, as for recipes.
    """
    tree, problems = apply_overrides(from_dict({}, SourceLocation("")), overrides)
    try:
        settings = schema.model_validate(to_dict(tree), context={"registry": registry})
    except ValidationError as error:
        problems += ErrorTranslator(tree, schema, registry).problems(error.errors(include_url=False))
    if problems:
        raise RecipeError("\n".join(map(str, problems)))
    return settings, list(tree.value)
