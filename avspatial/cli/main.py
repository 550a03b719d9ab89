"""The command `avspatial`: its subcommands, and how errors are reported.

A subcommand, or verb, is a module of this package with a typer `app`, imported only when it is used; it imports torch
and numpy inside its functions. The module's docstring is its summary. Exit codes: 0 success, 1 a check failed, 2 an
error of the user, 70 a bug in avspatial, 130 interrupted.
"""

from __future__ import annotations

import ast
import errno
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from avspatial.cli.table import escape_unprintable
from avspatial.errors import AvspatialError, RecipeError, did_you_mean
from avspatial.folders import as_path
from avspatial.version import __version__

VERBS = (
    "run",
    "evaluate",
    "compare",
    "data",
    "recipes",
    "plugins",
    "spatialize",
    "preview",
    "export",
    "weights",
    "leaderboard",
    "published",
    "metrics",
    "doctor",
)
_FULL_OR_FORBIDDEN = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}
_NO_FILE_THERE = {
    errno.EISDIR: "this is a folder, and a file must be written here",
    errno.ENOTDIR: "one of the folders in this path is a file",
    errno.ENAMETOOLONG: "the name is too long for the file system",
}


def summary(verb: str) -> str:
    """The docstring of a verb's module, read without importing it: `--help` imports nothing else."""
    source = Path(__file__).with_name(f"{verb}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


class _Verbs(TyperGroup):
    """Imports a verb from `avspatial.cli.<verb>` on first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in VERBS:
            if not cmd_name.startswith("-"):
                ctx.fail(f"There is no command {cmd_name!r}{did_you_mean(cmd_name, VERBS)}.")
            return None
        command = get_command(importlib.import_module(f"avspatial.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, summary(verb)) for verb in VERBS])


app = typer.Typer(cls=_Verbs, rich_markup_mode=None, add_completion=False, no_args_is_help=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"avspatial {__version__}")
        raise typer.Exit


@app.callback()
def avspatial(
    plugins: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A plugin folder, or a folder of them; like AVSPATIAL_PLUGINS. Repeatable."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Convert video with mono sound into binaural video, guided by the picture."""
    if plugins:
        # The environment, so that processes started by this one see the same plugins.
        earlier = os.environ.get("AVSPATIAL_PLUGINS")
        folders = [str(folder.absolute()) for folder in plugins] + ([earlier] if earlier else [])
        os.environ["AVSPATIAL_PLUGINS"] = os.pathsep.join(folders)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Command-line arguments; None for `sys.argv[1:]`.

    Returns:
        The exit code: 0 success, 1 a check failed, 2 an error of the user, 70 a bug in avspatial, 130 interrupted.
    """
    escape_unprintable(sys.stdout)
    words = sys.argv[1:] if arguments is None else arguments
    try:
        get_command(app)(args=[_expand_home(word) for word in words], prog_name="avspatial")
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
        if code == 130:  # from click, for Ctrl-C; a run that exists raises Interrupted, with its own instructions
            print("interrupted; no file is incomplete. Give the same command again to continue.", file=sys.stderr)
        return code
    except AvspatialError as error:
        # The errors of a recipe are lines that begin with their location, which editors can jump to.
        print(str(error) if isinstance(error, RecipeError) else f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL_OR_FORBIDDEN | _NO_FILE_THERE:
            print(f"error: {_explained(error)}", file=sys.stderr)
            return 2
        traceback.print_exc()
        print(
            f"error: this is a bug in avspatial {__version__}, not an error of yours. Please report it on the "
            "project's issue tracker, with the lines above and the output of `avspatial doctor --json`.",
            file=sys.stderr,
        )
        return 70
    return 0


def _expand_home(word: str) -> str:
    """`--out=~/x`, and `~/x` in quotes, which a shell leaves as they are."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{as_path(value)}" if value == "~" or value.startswith("~/") else word


def _explained(error: OSError) -> AvspatialError:
    """What the user can do about a full disk, a missing permission or an impossible name."""
    assert error.errno is not None
    where = error.filename2 or error.filename or ""
    if error.errno in _NO_FILE_THERE:
        return AvspatialError(_NO_FILE_THERE[error.errno], where=where, fix="Give another name.")
    fix = "Free space or allow writing there, or choose another folder (`--runs DIR` for runs)."
    return AvspatialError(_FULL_OR_FORBIDDEN[error.errno], where=where, fix=fix)
