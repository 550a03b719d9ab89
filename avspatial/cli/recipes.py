"""`avspatial recipes`: list, show, check and copy recipes; the reference of their keys and a schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avspatial.cli.table import columns, print_json
from avspatial.errors import RecipeError
from avspatial.registry import discover

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="List, show, check and copy recipes."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Given = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's file, or a shipped recipe's name.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key. Repeatable.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="Merge the recipe's `smoke` map over it.")]


@app.command("list")
def list_recipes(json: AsJson = False) -> None:
    """List the shipped recipes."""
    from avspatial.recipe.catalogue import shipped

    found = shipped()
    if json:
        print_json([{"name": one.name, "path": str(one.path), "summary": one.summary} for one in found])
    elif found:
        print(columns([(one.name, one.summary) for one in found]))


@app.command("show")
def show(
    recipe: Given,
    resolved: Annotated[bool, typer.Option("--resolved", help="With every default, parent and version.")] = False,
    set: Sets = None,
    smoke: Smoke = False,
) -> None:
    """Print a recipe as it was written, or (`--resolved`) with everything explicit."""
    from avspatial.recipe import load_recipe
    from avspatial.recipe.catalogue import locate

    path = locate(recipe)
    if resolved or set or smoke:
        registry = discover()
        loaded = load_recipe(path, registry, set or (), smoke)
        registry.report_failures()
        print(loaded.resolved, end="")
    else:
        print(path.read_text(encoding="utf-8"), end="")


@app.command("check")
def check(
    recipes: Annotated[
        list[str] | None, typer.Argument(metavar="[RECIPE]...", help="Files or shipped names; all shipped by default.")
    ] = None,
    set: Sets = None,
    json: AsJson = False,
) -> None:
    """Check every key, name and bound of recipes. Data and weights are not looked at: `run --smoke` does."""
    from avspatial.recipe import load_recipe
    from avspatial.recipe.catalogue import locate, shipped

    registry = discover()
    mistakes: dict[str, list[str]] = {}
    for given in recipes or [str(one.path) for one in shipped()]:
        try:
            load_recipe(locate(given), registry, set or ())
            mistakes[given] = []
        except RecipeError as error:
            mistakes[given] = str(error).splitlines()
        if not json and not mistakes[given]:
            print(f"{given}: ok")
    registry.report_failures()
    if json:
        print_json([{"recipe": name, "ok": not lines, "problems": lines} for name, lines in mistakes.items()])
    # A mistake in a common parent is one mistake.
    wrong = list(dict.fromkeys(line for lines in mistakes.values() for line in lines))
    if wrong and not json:
        raise RecipeError("\n".join(wrong))
    if wrong:
        raise typer.Exit(RecipeError.exit_code)


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="A shipped recipe's name.")],
    folder: Annotated[Path, typer.Argument(help="Where to; the current folder by default.")] = Path(),
) -> None:
    """Copy a shipped recipe, with the files it extends and the schema for editors, into a folder of yours."""
    from avspatial.atomic import write_text
    from avspatial.recipe import catalogue
    from avspatial.recipe.json_schema import FILE

    root = catalogue.folder().resolve()
    files = catalogue.with_parents(catalogue.locate(name).resolve())
    if not all(file.is_relative_to(root) for file in files):
        raise RecipeError("only shipped recipes can be copied", where=name, fix="Copy your own files with `cp -r`.")
    texts = {folder / file.relative_to(root): file.read_text(encoding="utf-8") for file in files}
    if not (folder / FILE).exists():  # a schema that is there may know plugins of the user's
        texts[folder / FILE] = (root / FILE).read_text(encoding="utf-8")
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise RecipeError("exists and differs; nothing was copied", where=path, fix="Give another folder.")
    for path, text in texts.items():
        write_text(path, text)
        print(path)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of recipes, for editors, without the components that cannot be used: stderr names them."""
    from avspatial.recipe.json_schema import schema_text

    registry = discover()
    usable = registry.validate()
    registry.report_failures()
    print(schema_text(usable), end="")


@app.command("reference")
def reference() -> None:
    """Print the reference of every key of the package's own components, as in docs/recipes.md."""
    from avspatial.recipe.reference import reference

    print(reference([entry for entry in discover(()).entries() if entry.plugin.name == "avspatial"]), end="")
