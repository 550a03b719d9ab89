"""Render simulated scenes with known angles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.errors import RecipeError
from avspatial.text import counted

if TYPE_CHECKING:
    from avspatial.data.simulated.settings import SimulatedSettings

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help=__doc__)


@app.callback()
def data() -> None:  # a callback keeps `simulate` a command of its own
    pass


@app.command("simulate")
def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to create; must contain nothing else.")],
    clips: Annotated[int | None, typer.Option(help="Number of scenes in all three splits together.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a scene in seconds.")] = None,
    head: Annotated[
        str | None, typer.Option(metavar="kemar|FILE.sofa", help="A measured head instead of a sphere.")
    ] = None,
    split: Annotated[
        tuple[float, float, float] | None, typer.Option(metavar="TRAIN VAL TEST", help="Shares of the three splits.")
    ] = None,
    solos: Annotated[
        bool, typer.Option("--solos", help="One source per clip, in mono, for trainers that learn separation.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting of the data set `simulated`. Repeatable."),
    ] = None,
) -> None:
    """Render scenes into a folder.

    OUT gets videos/, binaural_audios/ and splits/ in FAIR-Play's layout, and scenes.jsonl.

    With --solos: FAMILY/ID.mp4 and FAMILY/ID.wav, for trainers that separate solos.
    The same settings give the same scenes; a folder that already contains them stays unchanged.
    """
    from avspatial.data.simulated.dataset import SimulatedScenes
    from avspatial.progress import show_on_stderr

    options: dict[str, Any] = {"clips": clips, "seed": seed, "seconds": seconds, "head": head, "shares": split}
    if solos:
        options |= {"sources": [1, 1], "solos": True}
    settings, names = _settings({key: value for key, value in options.items() if value is not None}, set_ or [])
    SimulatedScenes(settings.model_copy(update={"root": out}), progress=show_on_stderr).prepare()
    if settings.solos:
        print(f"{counted(settings.clips, 'solo')} of {settings.seconds:g} s in {out}")
        print(f"In a recipe, for a trainer that separates: solos: {{use: solos, root: {out}}}")
        return
    print(f"{counted(settings.clips, 'scene')} of {settings.seconds:g} s in {out}")
    print(f"In a recipe: data: {{{', '.join(['use: simulated', f'root: {out}', *_written(settings, names)])}}}")


def _settings(options: dict[str, Any], sets: list[str]) -> tuple[SimulatedSettings, list[str]]:
    """The settings, and the names of those that the user gave; RecipeError with every error, as for recipes."""
    from pydantic import ValidationError

    from avspatial.data.simulated.settings import SimulatedSettings
    from avspatial.recipe.layers import apply_overrides
    from avspatial.recipe.messages import ErrorTranslator
    from avspatial.recipe.yaml_tree import SourceLocation, from_dict, to_dict
    from avspatial.registry import discover

    tree, problems = apply_overrides(from_dict({}, SourceLocation("")), [*options.items(), *sets])
    try:
        settings = SimulatedSettings.model_validate(to_dict(tree))
    except ValidationError as error:
        problems += ErrorTranslator(tree, SimulatedSettings, discover()).problems(error.errors(include_url=False))
    if problems:
        raise RecipeError("\n".join(map(str, problems)))
    return settings, list(tree.value)


def _written(settings: SimulatedSettings, names: list[str]) -> list[str]:
    """These settings as a recipe writes them."""
    values = settings.model_dump(mode="json", include=set(names))
    return [f"{key}: {json.dumps(values[key])}" for key in names if key != "root"]
