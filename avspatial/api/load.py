"""Load a trained model: from a run directory, an exported file, or a recipe whose model needs no training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from avspatial.errors import RunError
from avspatial.folders import as_path
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
    """A spatializer with its weights, in eval mode, and its recipe.

    Attributes:
        spatializer: The spatializer.
        recipe: The keys of its recipe that inference needs.
        resolved: The complete resolved recipe, as YAML.
    """

    spatializer: Spatializer
    recipe: ModelRecipe
    resolved: str

    @property
    def name(self) -> str:
        """The recipe's name and the first digits of its digest."""
        return f"{self.recipe.name}-{digest8(self.resolved)}"

    def for_inference(self) -> Trained:
        """Return a copy that is faster and equal except for rounding."""
        return replace(self, spatializer=optimize_for_inference(self.spatializer))

    def to_model_file(self) -> ModelFile:
        """Return the contents of a model file."""
        weights = dict(self.spatializer.state_dict())
        return ModelFile(self.resolved, components.model_components(self.recipe), weights)


def load(model: str | Path, device: str | None = None) -> Spatializer:
    """Load a trained spatializer.

    Args:
        model: A run directory, a file written by `avspatial export`, or a recipe (a file or a shipped name) whose model
            needs no training. Of a run, the weights with the best validation loss are loaded; without validation, the
            newest.
        device: A torch device [default: a GPU if there is one].

    Returns:
        The spatializer in eval mode, on the device.

    Raises:
        RunError: `model` is of another type, the run has no checkpoint, the weights do not match the recipe, or the
            device does not exist.
        RecipeError: The recipe is invalid, or needs a plugin that is not installed.
    """
    return load_trained(model, device).spatializer


def load_trained(model: str | Path, device: str | None = None, overrides: Overrides = ()) -> Trained:
    """Load a trained model with its recipe.

    Args:
        model: As for `load`.
        device: As for `load`.
        overrides: Overrides of a recipe, as in {"model.azimuth": 30}; not for a run or an exported file.

    Returns:
        The model in eval mode, on the device.

    Raises:
        RunError: As `load`, or there are overrides for a model that is already trained.
        RecipeError: As `load`.
    """
    on = Devices(device).device
    registry = discover()
    registry.report_failures()
    path = as_path(model)
    if _is_recipe(model):
        trained = _of_recipe(model, registry, overrides)
    elif overrides:
        fix = "Leave --set out: it is for recipes of models without training, such as panner_demo."
        raise RunError("a trained model keeps the settings it was trained with", where=path, fix=fix)
    elif path.is_file() or path.suffix == SUFFIX:
        trained = _of_file(path, registry)
    else:
        run = open_run(path)
        recipe = load_model_recipe(run.resolved, registry)
        trained = Trained(_untrained(recipe, registry), recipe, run.resolved.read_text(encoding="utf-8"))
        load_best(run, trained.spatializer, recipe)
    trained.spatializer.to(on).eval()
    return trained


def _is_recipe(model: str | Path) -> bool:
    path = as_path(model)
    names = {recipe.name for recipe in shipped()}
    return path.suffix in {".yaml", ".yml"} or (not path.exists() and str(model) in names)


def _of_recipe(model: str | Path, registry: Registry, overrides: Overrides) -> Trained:
    loaded = load_recipe(locate(model), registry, overrides)
    recipe = loaded.recipe
    spatializer: Spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    if spatializer.trainable:
        fix = f"Train it with `avspatial run {model}`, and give the run's directory."
        raise RunError(f"{recipe.model.id} must be trained, and this is only a recipe", where=model, fix=fix)
    return Trained(spatializer, recipe, loaded.resolved)


def load_best(run: Run, spatializer: Spatializer, recipe: ModelRecipe) -> None:
    """Load the best weights of a run into the spatializer; RunError if there are none, or they do not match."""
    for pointer in (checkpoints.BEST, checkpoints.LATEST):
        folder = checkpoints.resolve_pointer(run, pointer)
        if folder is not None:
            checkpoints.load_weights(folder, spatializer, components.model_components(recipe))
            return
    fix = f"Resume it: {run.resume_command}"
    raise RunError("this run stopped before its first checkpoint", where=run.path, fix=fix)


def _untrained(recipe: ModelRecipe, registry: Registry) -> Spatializer:
    built: Spatializer = registry.build(components.untrained(recipe.model), framing=recipe.framing, builder=registry)
    return built


def _of_file(path: Path, registry: Registry) -> Trained:
    model = read_model_file(path)
    recipe = parse_model_recipe(model.recipe, path, registry)
    spatializer = _untrained(recipe, registry)
    mismatch = differences(spatializer.state_dict(), model.weights)
    if mismatch:
        fix = "Install the versions of the plugins with which the model was exported."
        raise RunError(f"its weights do not match the networks of its recipe: {mismatch}", where=path, fix=fix)
    spatializer.load_state_dict(dict(model.weights))
    return Trained(spatializer, recipe, model.recipe)
