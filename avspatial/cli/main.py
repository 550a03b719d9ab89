"""The command `avspatial`: which verbs there are, and what becomes of errors.

A verb is a module with a typer `app`, imported only when it is used; what it needs of torch and numpy it imports in
its functions. Exit codes: 0 well, 1 a check failed, 2 the user's mistake, 70 a bug of ours, 130 interrupted.
"""

from __future__ import annotations

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

from avspatial.errors import AvspatialError, RecipeError, did_you_mean
from avspatial.version import __version__

VERBS = {
    "run": "Run a recipe: data, training, spatialized clips, scores, report.",
    "evaluate": "Score anything that was saved: folders, a csv of pairs, a run directory.",
    "compare": "Set systems side by side, and say what the differences are worth.",
    "data": "Make simulated scenes with known angles.",
    "recipes": "List, show, check and copy recipes.",
    "plugins": "List, show, check and begin plugins.",
    "spatialize": "Give videos binaural sound, with a trained model.",
    "preview": "Make a page to hear and see a binaural file by.",
    "export": "Write a run's model into one file.",
    "weights": "Turn published weights into ours.",
    "leaderboard": "Build and verify a table of saved outputs.",
    "published": "Published tables, what cannot be true in them, and your results beside them.",
    "metrics": "List, show and check metrics: what each sees, and what it is blind to.",
    "doctor": "Check versions, devices, media libraries, data folders and plugins.",
}
_FULL_OR_FORBIDDEN = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}
_NO_FILE_THERE = {
    errno.EISDIR: "this is a folder; a file is to be written here",
    errno.ENOTDIR: "one of the folders of this name is a file",
    errno.ENAMETOOLONG: "the name is too long for the file system",
}


class _Verbs(TyperGroup):
    """The verbs of `VERBS`, each imported from `avspatial.cli.<verb>` on first use."""

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
            formatter.write_dl(list(VERBS.items()))


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
    """Video with mono sound in, video with binaural sound out, guided by the picture."""
    if plugins:
        # The environment, so that processes started by this one see the same plugins.
        earlier = os.environ.get("AVSPATIAL_PLUGINS")
        folders = [str(folder.absolute()) for folder in plugins] + ([earlier] if earlier else [])
        os.environ["AVSPATIAL_PLUGINS"] = os.pathsep.join(folders)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (default: `sys.argv`) and return the exit code."""
    try:
        get_command(app)(args=arguments, prog_name="avspatial")
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
        if code == 130:  # what the command-line library makes of Ctrl-C; a run that exists tells its own way on
            print("interrupted; nothing is half-written. Give the same command again to go on.", file=sys.stderr)
        return code
    except AvspatialError as error:
        # A recipe's mistakes are lines that begin with their place, for editors to jump to.
        print(str(error) if isinstance(error, RecipeError) else f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL_OR_FORBIDDEN | _NO_FILE_THERE:
            print(f"error: {_told(error)}", file=sys.stderr)
            return 2
        traceback.print_exc()
        print(
            f"error: this is a bug in avspatial {__version__}, not a mistake of yours. Please report it on the "
            "project's issue tracker, with the lines above and the output of `avspatial doctor --json`.",
            file=sys.stderr,
        )
        return 70
    return 0


def _told(error: OSError) -> AvspatialError:
    """A full disk, a forbidden folder or an impossible name is the user's to mend, wherever it was met."""
    assert error.errno is not None
    where = error.filename2 or error.filename or ""
    if error.errno in _NO_FILE_THERE:
        return AvspatialError(_NO_FILE_THERE[error.errno], where=where, fix="Give another name.")
    fix = "Make room or give the right to write there, or choose another folder (`--runs DIR` for runs)."
    return AvspatialError(_FULL_OR_FORBIDDEN[error.errno], where=where, fix=fix)
