"""Recipes: YAML files that specify a run, checked completely, with the position of every error."""

from avspatial.recipe.load import Loaded, load_model_recipe, load_recipe, parse_model_recipe, resolved_yaml
from avspatial.recipe.schema import Inference, ModelRecipe, Recipe

__all__ = [
    "Inference",
    "Loaded",
    "ModelRecipe",
    "Recipe",
    "load_model_recipe",
    "load_recipe",
    "parse_model_recipe",
    "resolved_yaml",
]
