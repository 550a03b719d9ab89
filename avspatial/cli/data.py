"""`avspatial data`: make simulated scenes with known angles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Make simulated scenes with known angles.")


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
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting of the data set `simulated`. Repeatable."),
    ] = None,
) -> None:
    """Render scenes into OUT: videos/, binaural_audios/ and splits/ as FAIR-Play has them, and scenes.jsonl.

    The same settings give the same scenes; a folder that already holds them is left as it is.
    """
    from pydantic import ValidationError
    from rich.console import Console
    from rich.progress import track

    from avspatial.data.simulated.dataset import SimulatedScenes
    from avspatial.data.simulated.settings import SimulatedSettings

    options = {"clips": clips, "seed": seed, "seconds": seconds, "head": head, "shares": split}
    said = {key: value for key, value in options.items() if value is not None} | _assignments(set_ or [])
    try:
        settings = SimulatedSettings.model_validate({**said, "root": out})
    except ValidationError as error:
        raise DataError(
            _problems(error, list(SimulatedSettings.model_fields)), where="avspatial data simulate"
        ) from None
    console = Console(stderr=True)
    scenes = SimulatedScenes(
        settings, progress=lambda items, title: track(items, title, console=console, disable=not console.is_terminal)
    )
    scenes.prepare()
    print(f"{settings.clips} scenes of {settings.seconds:g} s in {out}")
    print(f"In a recipe: data: {{{', '.join(['use: simulated', f'root: {out}', *_spelled(settings, said)])}}}")


def _assignments(assignments: list[str]) -> dict[str, Any]:
    """KEY=VALUE, the values read as YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    said = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        try:
            said[key.strip()] = YAML(typ="safe").load(value)
        except YAMLError:
            equals = ""
        if not equals:
            raise DataError(
                f"{assignment!r} is no KEY=VALUE", where="--set", fix="For example --set sources=[1,3] --set moving=1."
            )
    return said


def _problems(error: ValidationError, keys: list[str]) -> str:
    """Every problem on a line of its own."""
    lines = []
    for problem in error.errors():
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: there is no such setting{did_you_mean(key, keys)}")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{key}: {message}" if key else message)
    return "\n  ".join(lines)


def _spelled(settings: Any, said: dict[str, Any]) -> list[str]:
    """The settings that were said, as they stand in a recipe."""
    import json

    plain = settings.model_dump(mode="json", include=set(said))
    return [f"{key}: {json.dumps(plain[key])}" for key in said]
