"""Import weights that a method's authors published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avspatial.atomic import refuse_existing
from avspatial.errors import PluginError, RecipeError

if TYPE_CHECKING:
    from avspatial.interfaces import Spatializer, Trainer
    from avspatial.recipe import Loaded, Recipe
    from avspatial.registry import Entry, Registry
    from avspatial.runs import Run

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help=__doc__)


@app.callback()
def weights() -> None:  # a callback keeps `import` a command of its own
    pass


Name = Annotated[
    str, typer.Argument(metavar="METHOD", help="The spatializer that the weights belong to, such as mono2binaural.")
]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="FILE_OR_RUN", help="FILE.safetensors, or a run directory to create.")
]
Visual = Annotated[Path | None, typer.Option(metavar="FILE", help="Published weights of the visual part.")]
Audio = Annotated[Path | None, typer.Option(metavar="FILE", help="Published weights of the audio part.")]
Fusion = Annotated[Path | None, typer.Option(metavar="FILE", help="Published weights of the part that fuses the two.")]
Given = Annotated[
    str | None,
    typer.Option(help="The recipe whose model the weights belong to [default: named by the method]."),
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the recipe. Repeatable.")
]
Level = Annotated[
    float,
    typer.Option(
        min=0.01,
        max=1.0,
        help="RMS of the mixture on which the networks were trained; published files do not contain it. For windows of "
        "stereo RMS 0.1 it is between 0.141 (unrelated channels) and 0.2 (equal channels).",
    ),
]


@app.command("import")
def import_(
    name: Name,
    out: Out,
    visual: Visual = None,
    audio: Audio = None,
    fusion: Fusion = None,
    recipe: Given = None,
    set_: Sets = None,
    mixture_rms: Level = 0.17,
) -> None:
    """Import published weights.

    Every key is checked, and no code in the files is run.

    FILE.safetensors is for `model.pretrained` of recipes. A run directory is for `avspatial.load`; `avspatial run
    --resume` trains it further.
    """
    from avspatial.registry import discover
    from avspatial.runs import new_run
    from avspatial.runs.provenance import provenance

    refuse_existing(out, fix="Give another name with -o.")
    parts = {"visual": visual, "audio": audio, "fusion": fusion}
    files = {part: file for part, file in parts.items() if file is not None}
    registry = discover()
    registry.report_failures()
    path, loaded = _load(registry.get("spatializer", name), recipe, set_ or [], registry)
    spatializer = _filled(loaded.recipe, registry, files, mixture_rms)
    if out.suffix == ".safetensors":
        _write_file(out, spatializer)
    else:
        trainer = registry.build(loaded.recipe.trainer, spatializer=spatializer, builder=registry)
        facts = {**provenance(registry.plugins), "state": "imported", "imported": _file_hashes(files)}
        with new_run(out, loaded.recipe.name, loaded.resolved, path.read_text(encoding="utf-8"), facts) as run:
            _write_checkpoint(run, trainer, loaded.recipe)
    print(out)


def _load(entry: Entry, recipe_name: str | None, sets: list[str], registry: Registry) -> tuple[Path, Loaded]:
    """The file of the recipe, and the recipe without the pretrained weights that its own training starts from."""
    from avspatial.recipe import Loaded, components, load_recipe, resolved_yaml
    from avspatial.recipe.catalogue import locate

    wanted = recipe_name or entry.target_class().published_recipe
    if not wanted:
        raise PluginError(
            f"spatializer {entry.id!r} names no published weights",
            fix="Choose a method that does, such as mono2binaural.",
        )
    path = locate(wanted)
    recipe = load_recipe(path, registry, sets).recipe
    if recipe.model.id != entry.id:
        raise RecipeError(
            f"the model of this recipe is {recipe.model.id}, not {entry.id}",
            where=path,
            fix=f"Give a recipe with `use: {entry.component.name}`.",
        )
    recipe = recipe.model_copy(update={"model": components.untrained(recipe.model)})
    return path, Loaded(recipe, resolved_yaml(recipe))


def _filled(recipe: Recipe, registry: Registry, files: Mapping[str, Path], mixture_rms: float) -> Spatializer:
    import torch

    from avspatial.models.published import load_published

    torch.manual_seed(recipe.seed)
    spatializer: Spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    spatializer.mixture_rms.fill_(mixture_rms)
    load_published(spatializer, files)
    return spatializer


def _write_file(path: Path, spatializer: Spatializer) -> None:
    from safetensors.torch import save_file

    from avspatial.atomic import atomic_write

    with atomic_write(path) as temporary_path:
        save_file(spatializer.state_dict(), temporary_path)


def _write_checkpoint(run: Run, trainer: Trainer, recipe: Recipe) -> None:
    """At step 0: no optimizer has moved yet."""
    from avspatial.recipe import components
    from avspatial.training import checkpoints

    state = checkpoints.TrainingState(components=components.components(recipe))
    checkpoints.save(run, trainer, {}, state, keep=1)


def _file_hashes(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Name and SHA-256 of each file, for run.json."""
    described = {}
    for part, path in files.items():
        with path.open("rb") as file:
            described[part] = {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    return described
