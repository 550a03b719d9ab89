"""Loads a recipe: reads, merges, interpolates and validates it, and writes it out with every default explicit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML

from avspatial.errors import RecipeError
from avspatial.recipe.consistency import contradictions, duplicates
from avspatial.recipe.layers import (
    Layers,
    Overrides,
    apply_overrides,
    interpolate,
    outdated_smoke,
    read,
    read_text,
)
from avspatial.recipe.messages import ErrorTranslator, key_of
from avspatial.recipe.schema import ModelRecipe, Recipe
from avspatial.recipe.yaml_tree import (
    Node,
    Problem,
    SourceLocation,
    descendants,
    dotted,
    find,
    merge,
    to_dict,
    value_at,
    without,
)
from avspatial.settings import ComponentLookup

_Schema = TypeVar("_Schema", bound=ModelRecipe)
_MODEL_KEYS = frozenset(key_of(name, field) for name, field in ModelRecipe.model_fields.items())
_HEADER = "# Everything explicit, written by avspatial: this file alone repeats the run.\n"


class Loaded(NamedTuple):
    """A recipe and its resolved YAML text, which has no parent, no variables, and every default and version."""

    recipe: Recipe
    resolved: str


def load_recipe(path: Path | str, registry: ComponentLookup, overrides: Overrides = (), smoke: bool = False) -> Loaded:
    """Load a recipe: the file over its parents, then `smoke` if requested, then the overrides.

    RecipeError lists every problem at once, one `file:line:col: key: what is wrong` a line. The `smoke` map is
    checked even if it is not requested.
    """
    layers = read(Path(path))
    tree, invalid_overrides = apply_overrides(layers.merged, overrides)
    problems = [*layers.problems, *invalid_overrides]
    if not layers.trees:
        raise _refused(problems)
    smoke_map = value_at(tree, "smoke")
    if smoke_map is not None and smoke_map.value is None:  # `smoke: null` removes that of the parents
        tree = without(tree, {"smoke"})
    tree, recipe, invalid = _with_smoke(tree, outdated_smoke(layers.trees, tree), overrides, registry)
    overlay = tree.value.get("smoke")
    if overlay and (invalid or not smoke):
        # The problems of the smoke map must show before `--smoke` is given: those that the recipe alone does not have.
        alone, own = _validated(tree, registry, Recipe)
        same = {(problem.key, problem.what): problem for problem in own}
        if smoke:
            invalid = [same.get((problem.key, problem.what), problem) for problem in invalid]
        else:
            recipe = alone
            invalid = own + [problem for problem in invalid if (problem.key, problem.what) not in same]
    problems += [_as_written(problem, overlay) if overlay else problem for problem in invalid]
    if not layers.complete:
        problems = [problem for problem in problems if not problem.missing]
    if problems or recipe is None:
        raise _refused(problems)
    return Loaded(recipe, resolved_yaml(recipe))


def _with_smoke(
    tree: Node, outdated: set[tuple[str, SourceLocation]], overrides: Overrides, registry: ComponentLookup
) -> tuple[Node, Recipe | None, list[Problem]]:
    """The recipe with its smoke map over it, and its problems; also the tree without the outdated settings in `smoke`
    that the present components do not have."""
    while True:
        smoke = tree.value.get("smoke")
        overlaid = tree
        if smoke is not None and isinstance(smoke.value, dict):  # validation reports one that is not a map
            merged = merge(tree, replace(smoke, location=tree.location, key=tree.key))
            overlaid = apply_overrides(merged, overrides)[0]
        recipe, problems = _validated(overlaid, registry, Recipe)
        invalid = {problem.key for problem in problems if (problem.key, problem.location) in outdated}
        if smoke is None or not invalid:
            return tree, recipe, problems
        outdated = {(key, location) for key, location in outdated if key not in invalid}
        tree = replace(tree, value={**tree.value, "smoke": without(smoke, {key.partition("[")[0] for key in invalid})})


def load_model_recipe(path: Path | str, registry: ComponentLookup) -> ModelRecipe:
    """Load the keys of a resolved recipe that inference needs; RecipeError as `load_recipe`.

    The other keys are ignored, so that a model can be used without the metrics, data sets and trainers of its run.
    """
    return _model_recipe(read(Path(path)), registry)


def parse_model_recipe(text: str, shown_as: Path, registry: ComponentLookup) -> ModelRecipe:
    """As `load_model_recipe`, of a text; problems are reported as if they stood in the file `shown_as`."""
    return _model_recipe(read_text(text, shown_as), registry)


def _model_recipe(layers: Layers, registry: ComponentLookup) -> ModelRecipe:
    source = layers.merged
    part = {key: node for key, node in source.value.items() if key in _MODEL_KEYS}
    recipe, invalid = _validated(replace(source, value=part), registry, ModelRecipe)
    if layers.problems or invalid or recipe is None:
        raise _refused(layers.problems or invalid)
    return recipe


def resolved_yaml(recipe: Recipe) -> str:
    """A recipe as YAML text that loads as the same recipe even if defaults change."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 4096
    yaml.allow_unicode = False  # escapes: ruamel writes some separators bare and reads them back as spaces
    stream = io.StringIO()
    yaml.dump(recipe.model_dump(mode="json", by_alias=True), stream)
    return _HEADER + stream.getvalue()


def _validated(tree: Node, registry: ComponentLookup, schema: type[_Schema]) -> tuple[_Schema | None, list[Problem]]:
    filled, problems = interpolate(tree)
    unset = {problem.key for problem in problems}
    data = to_dict(filled)
    recipe = None
    try:
        recipe = schema.model_validate(data, context={"registry": registry})
    except ValidationError as error:
        translated = ErrorTranslator(filled, schema, registry).problems(error.errors(include_url=False))
        problems += [problem for problem in translated if problem.key not in unset]
    for loc, what in (*contradictions(data), *(duplicates(recipe) if isinstance(recipe, Recipe) else ())):
        problems.append(Problem(find(filled, loc)[0].location, dotted(loc), what))
    return recipe, problems


def _as_written(problem: Problem, overlay: Node) -> Problem:
    """A problem in the smoke map with the key that it has there."""
    values = list(descendants(overlay))
    written = any(problem.location in (node.location, node.key) for _, node in values)
    named = any(problem.key == dotted(loc) for loc, _ in values[1:])
    return replace(problem, key=f"smoke.{problem.key}") if written and named else problem


def _refused(problems: Sequence[Problem]) -> RecipeError:
    def order(problem: Problem) -> tuple[bool, str, int, int]:
        location: SourceLocation = problem.location
        return not location.line, location.source, location.line, location.column

    lines = dict.fromkeys(str(problem) for problem in sorted(problems, key=order))
    return RecipeError("\n".join(lines))
