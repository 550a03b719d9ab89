"""`avspatial data`: make simulated scenes with known angles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.errors import RecipeError

if TYPE_CHECKING:
    from avspatial.data.simulated.settings import SimulatedSettings

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="Make simulated scenes with known angles."
)


@app.callback()
def data() -> None:
    """Make simulated scenes with known angles."""


@app.command("simulate")
def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make; it must not hold anything else.")],
    clips: Annotated[int | None, typer.Option(help="Scenes in all three splits together.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of every choice.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a scene in seconds.")] = None,
    head: Annotated[str | None, typer.Option(metavar="FILE.sofa", help="A measured head instead of a sphere.")] = None,
    split: Annotated[
        tuple[float, float, float] | None, typer.Option(metavar="TRAIN VAL TEST", help="Shares of the three splits.")
    ] = None,
    solos: Annotated[
        bool, typer.Option("--solos", help="One source a clip, in mono: to learn separation from.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting of the data set `simulated`. Repeatable."),
    ] = None,
) -> None:
    """Render scenes into OUT: videos/, binaural_audios/ and splits/ as FAIR-Play has them, and scenes.jsonl.

    With --solos: FAMILY/ID.mp4 and FAMILY/ID.wav, for trainers that separate solos.
    The same settings give the same scenes; a folder that already holds them is left as it is.
    """
    from rich.console import Console
    from rich.progress import track

    from avspatial.data.simulated.dataset import SimulatedScenes

    options: dict[str, Any] = {"clips": clips, "seed": seed, "seconds": seconds, "head": head, "shares": split}
    if solos:
        options |= {"sources": [1, 1], "solos": True}
    settings, said = _settings({key: value for key, value in options.items() if value is not None}, set_ or [])
    console = Console(stderr=True)
    scenes = SimulatedScenes(
        settings.model_copy(update={"root": out}),
        progress=lambda items, title: track(items, title, console=console, disable=not console.is_terminal),
    )
    scenes.prepare()
    if settings.solos:
        print(f"{settings.clips} solos of {settings.seconds:g} s in {out}")
        print(f"In a recipe, for a trainer that separates: solos: {{use: solos, root: {out}}}")
        return
    print(f"{settings.clips} scenes of {settings.seconds:g} s in {out}")
    print(f"In a recipe: data: {{{', '.join(['use: simulated', f'root: {out}', *_spelled(settings, said)])}}}")


def _settings(options: dict[str, Any], sets: list[str]) -> tuple[SimulatedSettings, list[str]]:
    """The settings and the names of those that were said; RecipeError with every mistake, worded as in recipes."""
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


def _spelled(settings: SimulatedSettings, said: list[str]) -> list[str]:
    """The settings that were said, as they stand in a recipe."""
    plain = settings.model_dump(mode="json", include=set(said))
    return [f"{key}: {json.dumps(plain[key])}" for key in said if key != "root"]
