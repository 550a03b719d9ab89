"""What training left, for use: the spatializer of a run directory or of an exported file, with its recipe.

Where there is nothing to train, the recipe alone will do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from avspatial.errors import RunError
from avspatial.inference.optimize import optimize_for_inference
from avspatial.interfaces import Spatializer
from avspatial.models.pretrained import differences
from avspatial.recipe import ModelRecipe, components, load_model_recipe, load_recipe, parse_model_recipe
from avspatial.recipe.catalogue import locate, shipped
from avspatial.recipe.layers import Overrides
from avspatial.registry import Registry, discover
from avspatial.runs import Run, digest8, open_run
from avspatial.runs.model_file import SUFFIX, ModelFile, read_model_file
from avspatial.training import checkpoints
from avspatial.training.devices import Devices


@dataclass(frozen=True)
class Trained:
    """A spatializer with its weights, in eval mode, and its recipe."""

    spatializer: Spatializer
    recipe: ModelRecipe
    resolved: str
    """The whole resolved recipe, as YAML."""

    @property
    def name(self) -> str:
        """What the recipe is called, and the first digits of its digest."""
        return f"{self.recipe.name}-{digest8(self.resolved)}"

    def for_inference(self) -> Trained:
        """The same function, but for rounding, in less time."""
        return replace(self, spatializer=optimize_for_inference(self.spatializer))

    def to_model_file(self) -> ModelFile:
        """All that a model file holds."""
        weights = dict(self.spatializer.state_dict())
        return ModelFile(self.resolved, components.model_components(self.recipe), weights)


def load(run: str | Path, device: str | None = None) -> Spatializer:
    """The spatializer of a run, or of a file that `avspatial export` made, in eval mode, with the weights that
    validated best (the newest, without validation).

    RunError for a place that is neither, has no checkpoint, or whose weights do not fit its recipe.
    """
    return load_trained(run, device).spatializer


def load_trained(place: str | Path, device: str | None = None, overrides: Overrides = ()) -> Trained:
    """The model of a run directory, of a file that `avspatial export` made, or of a recipe with nothing to train.

    Of a run, the weights that validated best, or the newest, without validation. A recipe is a .yaml file or a shipped
    recipe's name, and `overrides` are for it, as in {"model.azimuth": 30}. RunError for a place that is none of these,
    a run without a checkpoint, a recipe whose model learns, a damaged file, weights that do not fit the recipe, or a
    device that is not there; RecipeError for a recipe that is wrong.
    """
    on = Devices(device).device
    registry = discover()
    registry.report_failures()
    path = Path(place)
    if _is_recipe(place):
        trained = _of_recipe(place, registry, overrides)
    elif overrides:
        fix = "Leave --set away; it is for recipes of models without training, such as panner_demo."
        raise RunError("what was trained keeps the settings it was trained with", where=path, fix=fix)
    elif path.is_file() or path.suffix == SUFFIX:
        trained = _of_file(path, registry)
    else:
        run = open_run(path)
        recipe = load_model_recipe(run.resolved, registry)
        trained = Trained(_untrained(recipe, registry), recipe, run.resolved.read_text(encoding="utf-8"))
        load_best(run, trained.spatializer, recipe)
    trained.spatializer.to(on).eval()
    return trained


def _is_recipe(place: str | Path) -> bool:
    path = Path(place)
    return path.suffix in {".yaml", ".yml"} or (not path.exists() and str(place) in {one.name for one in shipped()})


def _of_recipe(place: str | Path, registry: Registry, overrides: Overrides) -> Trained:
    loaded = load_recipe(locate(place), registry, overrides)
    recipe = loaded.recipe
    spatializer: Spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    if spatializer.trainable:
        fix = f"Train it with `avspatial run {place}`, and give the run's directory."
        raise RunError(f"{recipe.model.id} has to be trained, and this is a recipe", where=place, fix=fix)
    return Trained(spatializer, recipe, loaded.resolved)


def load_best(run: Run, spatializer: Spatializer, recipe: ModelRecipe) -> None:
    """Fill the spatializer with the best weights of a run; RunError if it has none, or others."""
    for pointer in (checkpoints.BEST, checkpoints.LATEST):
        folder = checkpoints.resolve_pointer(run, pointer)
        if folder is not None:
            checkpoints.load_weights(folder, spatializer, components.model_components(recipe))
            return
    fix = f"Go on with it: avspatial run --resume {run.path}"
    raise RunError("this run stopped before its first checkpoint", where=run.path, fix=fix)


def _untrained(recipe: ModelRecipe, registry: Registry) -> Spatializer:
    built: Spatializer = registry.build(components.untrained(recipe.model), framing=recipe.framing, builder=registry)
    return built


def _of_file(path: Path, registry: Registry) -> Trained:
    model = read_model_file(path)
    recipe = parse_model_recipe(model.recipe, path, registry)
    spatializer = _untrained(recipe, registry)
    wrong = differences(spatializer.state_dict(), model.weights)
    if wrong:
        fix = "Install the plugins, in the versions, that the model was exported with."
        raise RunError(f"its weights do not fit the networks that its recipe names: {wrong}", where=path, fix=fix)
    spatializer.load_state_dict(dict(model.weights))
    return Trained(spatializer, recipe, model.recipe)
