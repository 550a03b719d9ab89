"""The recipes shipped with avspatial: in the wheel, or in the checkout that it runs from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avspatial.errors import RecipeError, did_you_mean
from avspatial.folders import as_path, files_below
from avspatial.recipe.yaml_tree import parse

_FOR_EDITORS = "# yaml-language-server:"


@dataclass(frozen=True)
class Shipped:
    """A shipped recipe: its name (the path below the shipped folder, without .yaml), its file, its first comment.

    The line that tells an editor which schema to use is not a comment for people.
    """

    name: str
    path: Path
    summary: str


def folder() -> Path:
    """The folder of shipped recipes; RecipeError if this installation has none."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "shipped_recipes", package.parent / "recipes"):
        if candidate.is_dir():
            return candidate
    raise RecipeError("this installation contains no recipes", where=package, fix="Install avspatial again.")


def recipes_in(folder: Path) -> list[Path]:
    """The recipes in a folder, sorted; RecipeError if there is none. The files in `base/` can only be extended."""
    files = files_below(folder, lambda file: file.suffix in (".yaml", ".yml") and file.is_file())
    recipes = [file for file in files if "base" not in file.relative_to(folder).parts[:-1]]
    if not recipes:
        raise RecipeError("holds no recipe", where=folder, fix="Recipes are files that end in .yaml or .yml.")
    return recipes


def shipped() -> list[Shipped]:
    """All shipped recipes, by name."""
    root = folder()
    names = {file.relative_to(root).with_suffix("").as_posix(): file for file in recipes_in(root)}
    return [Shipped(name, file, _summary(file)) for name, file in sorted(names.items())]


def locate(recipe: Path | str) -> Path:
    """The file of a recipe, by its path or by a shipped recipe's name; RecipeError if there is none."""
    path = as_path(recipe)
    if path.is_file():
        return path
    paths = {recipe.name: recipe.path for recipe in shipped()}
    name = str(recipe)
    if name in paths:
        return paths[name]
    raise RecipeError(
        f"there is no such file, and no shipped recipe of that name{did_you_mean(name, paths)}",
        where=name,
        fix="`avspatial recipes list` lists the shipped ones.",
    )


def with_parents(path: Path) -> list[Path]:
    """A recipe's file and the files it extends, nearest first."""
    files = [path]
    while True:
        node, _ = parse(files[-1].read_text(encoding="utf-8"), str(files[-1]))
        extends = node.value.get("extends") if node and isinstance(node.value, dict) else None
        if extends is None or not isinstance(extends.value, str):
            return files
        parent = (files[-1].parent / as_path(extends.value)).resolve()
        if parent in files or not parent.is_file():
            return files
        files.append(parent)


def _summary(file: Path) -> str:
    """The first sentence of the first comment, which may go on over several lines; commands are indented."""
    lines = (line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith(_FOR_EDITORS))
    sentence: list[str] = []
    for line in lines:
        if not line.startswith("# ") or line.startswith("#  ") or " ".join(sentence).endswith("."):
            break
        sentence.append(line.removeprefix("#").strip())
    return " ".join(sentence)
