"""Check data sets, render them as files, and render simulated scenes with known angles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.cli.options import AsJson, Jobs
from avspatial.cli.table import columns, print_json
from avspatial.text import counted, listed

if TYPE_CHECKING:
    from avspatial.data.simulated.settings import SimulatedSettings

Use = Annotated[
    str | None, typer.Option(metavar="NAME", help="The data set that reads it [default: guessed from the files].")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the data set. Repeatable."),
]

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


@app.command("check")
def check(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder of the data.")],
    use: Use = None,
    set_: Set = None,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Whether to decode the images too.")] = True,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write a page with histograms, one file.")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Check a data set before it is used.

    Counts, sound, directions, damage, what is left out, and audio that two splits share. Exit 1 for leaks or damage.
    """
    from avspatial.api.check_data import check_data
    from avspatial.report.data_check.sections import sections, verdict

    found = check_data(root, use=use, settings=set_ or (), images=images, jobs=jobs)
    if html is not None:
        from avspatial.atomic import write_text
        from avspatial.report.data_check.page import check_page

        write_text(html, check_page(found))
    if as_json:
        print_json(found.to_dict())
    else:
        guessed = "" if use else " (guessed; --use NAME names another data set)"
        print(f"{root}, read as {found.use}{guessed}")
        for section in sections(found):
            print("\n".join(["", section.title, *filter(None, [section.text]), *_table(section.rows)]))
        print(f"\n{verdict(found)}")
    if not found.passed:
        raise typer.Exit(1)


@app.command("render")
def render(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder of the data.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to create; must contain nothing else.")],
    use: Use = None,
    set_: Set = None,
    fps: Annotated[float, typer.Option(min=0.1, max=120, help="Images per second.")] = 10.0,
    size: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="H W", help="Size of the images [default: 360 rows; 224 x 448 of 360-degree recordings]."),
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Render a data set as files in FAIR-Play's layout, for other code.

    OUT gets videos/, binaural_audios/, splits/split1/, and rendered.json, which says where each clip came from. The
    same command continues what was interrupted.
    """
    from avspatial.cores import usable_cores
    from avspatial.data.open_dataset import open_dataset
    from avspatial.data.render_files import render_files
    from avspatial.progress import show_on_stderr
    from avspatial.registry import discover

    if size is not None and (min(size) < 16 or size[0] % 2 or size[1] % 2):
        raise typer.BadParameter("needs two even numbers from 16 on", param_hint="--size")
    opened = open_dataset(root, use, set_ or (), discover(), show_on_stderr)
    rendered = render_files(opened, root, out, fps=fps, size=size, jobs=jobs or usable_cores())
    parts = ", ".join(f"{part} {clips}" for part, clips in rendered.clips.items())
    print(f"{counted(sum(rendered.clips.values()), 'clip')} in {out} ({parts}), from {root}, read as {opened.use}")
    if rendered.beyond:
        beyond = listed(rendered.beyond)
        print(f"{counted(len(rendered.beyond), 'clip')} beyond full scale, stored as floats: {beyond}")
    print(f"In a recipe: data: {{use: fairplay, root: {out}}}")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    return [columns(rows, indent="  ")] if rows else []


def _settings(options: dict[str, Any], sets: list[str]) -> tuple[SimulatedSettings, list[str]]:
    """The settings, and the names of those that the user gave; RecipeError with every error, as for recipes."""
    from avspatial.data.simulated.settings import SimulatedSettings
    from avspatial.recipe.component_settings import component_settings
    from avspatial.registry import discover

    return component_settings(SimulatedSettings, [*options.items(), *sets], discover())


def _written(settings: SimulatedSettings, names: list[str]) -> list[str]:
    """These settings as a recipe writes them."""
    values = settings.model_dump(mode="json", include=set(names))
    return [f"{key}: {json.dumps(values[key])}" for key in names if key != "root"]
