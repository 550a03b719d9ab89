"""List, show, check and copy recipes."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Annotated

import typer

from avspatial.cli.options import AsJson
from avspatial.cli.table import columns, print_json
from avspatial.errors import RecipeError
from avspatial.registry import discover
from avspatial.text import counted

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help=__doc__)
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's file, or a shipped recipe's name.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key. Repeatable.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="Merge the recipe's `smoke` map over it.")]


@app.command("list")
def list_recipes(as_json: AsJson = False) -> None:
    """List the shipped recipes."""
    from avspatial.recipe.catalogue import shipped

    recipes = shipped()
    if as_json:
        print_json([{"name": recipe.name, "path": str(recipe.path), "summary": recipe.summary} for recipe in recipes])
    elif recipes:
        print(columns([(recipe.name, recipe.summary) for recipe in recipes]))


@app.command("show")
def show(
    recipe: RecipeName,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="With parents merged, and all defaults and versions.")
    ] = False,
    set_: Sets = None,
    smoke: Smoke = False,
) -> None:
    """Print a recipe.

    As written, or with everything explicit (`--resolved`).
    """
    from avspatial.recipe import load_recipe
    from avspatial.recipe.catalogue import locate

    path = locate(recipe)
    if resolved or set_ or smoke:
        registry = discover()
        loaded = load_recipe(path, registry, set_ or (), smoke)
        registry.report_failures()
        print(loaded.resolved, end="")
    else:
        print(path.read_text(encoding="utf-8"), end="")


@app.command("check")
def check(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(metavar="RECIPE", help="Files, folders or shipped names [default: all shipped]."),
    ] = None,
    set_: Sets = None,
    as_json: AsJson = False,
) -> None:
    """Check every key, name and bound of recipes. Data and weights are not checked: `run --smoke` does that.

    In a folder every recipe is checked, except those in folders named `base`. The exit code is then 1 if one fails.
    """
    from avspatial.recipe import load_recipe
    from avspatial.recipe.catalogue import locate, recipes_in, shipped

    registry = discover()
    problems: dict[str, list[str]] = {}
    named = recipes or [str(recipe.path) for recipe in shipped()]
    folders = [name for name in named if Path(name).is_dir()]
    files = ([str(file) for file in recipes_in(Path(name))] if name in folders else [name] for name in named)
    for name in itertools.chain.from_iterable(files):
        try:
            load_recipe(locate(name), registry, set_ or ())
            problems[name] = []
        except RecipeError as error:
            problems[name] = str(error).splitlines()
        count = len(problems[name])
        if not as_json and (folders or not count):
            print(f"{name}: {counted(count, 'error')}" if count else f"{name}: ok")
    registry.report_failures()
    if as_json:
        print_json([{"recipe": name, "ok": not lines, "problems": lines} for name, lines in problems.items()])
    # An error in a common parent is reported once.
    unique = list(dict.fromkeys(line for lines in problems.values() for line in lines))
    if unique and not as_json and not folders:
        raise RecipeError("\n".join(unique))
    if unique and not as_json:
        print("\n".join(unique), file=sys.stderr)
    if unique:
        raise typer.Exit(1 if folders else RecipeError.exit_code)


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped recipe's name.")],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder to copy to; . is the current folder.")
    ] = Path(),
) -> None:
    """Copy a shipped recipe into a folder.

    The files that it extends and the schema for editors are copied too.
    """
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
            raise RecipeError("exists with other contents; nothing was copied", where=path, fix="Give another folder.")
    for path, text in texts.items():
        write_text(path, text)
        print(path)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of recipes.

    For editors. Components that cannot be loaded are left out and named on stderr.
    """
    from avspatial.recipe.json_schema import schema_text

    registry = discover()
    usable = registry.validate()
    registry.report_failures()
    print(schema_text(usable), end="")


@app.command("reference")
def reference() -> None:
    """Print the reference of recipe keys.

    The page docs/recipes.md: all keys, and the settings of the built-in components.
    """
    from avspatial.recipe.reference import reference

    print(reference([entry for entry in discover(()).entries() if entry.plugin.name == "avspatial"]), end="")
