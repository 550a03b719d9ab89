"""The command `avspatial`: its subcommands, and how errors are reported.

A subcommand, or verb, is a module of this package with a typer `app`, imported only when it is used; it imports torch
and numpy inside its functions. The module's docstring is its summary. Exit codes: 0 success, 1 a check failed, 2 an
error of the user, 70 a bug in avspatial, 130 interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP).
"""

from __future__ import annotations

import ast
import copy
import errno
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from avspatial.cli.table import escape_unprintable
from avspatial.errors import AvspatialError, RecipeError, did_you_mean
from avspatial.folders import as_path
from avspatial.interrupts import signal_of, stoppable
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
_FREE = "Free space or allow writing there, or choose another folder (`--runs DIR` for runs)."
_ALLOW = "Allow reading and writing it, or choose another folder (`--runs DIR` for runs)."
_NAME = "Give another name."
_FILE_ERRORS = {
    errno.ENOSPC: ("no space left on the disk", _FREE),
    errno.EDQUOT: ("the disk quota is used up", _FREE),
    errno.EROFS: ("the file system is read-only", _FREE),
    errno.EACCES: ("permission denied", _ALLOW),
    errno.EPERM: ("permission denied", _ALLOW),
    errno.EISDIR: ("this is a folder, and a file must be written here", _NAME),
    errno.ENOTDIR: ("one of the folders in this path is a file", _NAME),
    errno.ENAMETOOLONG: ("the name is too long for the file system", _NAME),
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
        for part in (command, *getattr(command, "commands", {}).values()):
            part.params.append(self._plugins_option())
            part.short_help = inspect.cleandoc(part.help or "").partition("\n\n")[0].replace("\n", " ")
        return command

    def _plugins_option(self) -> Any:
        """`--plugins` as an option of a command: it may stand behind the command too."""
        option = copy.copy(next(param for param in self.params if param.name == "plugins"))
        option.expose_value = False
        option.callback = lambda ctx, param, folders: _use_plugins(folders or ())
        return option

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, summary(verb)) for verb in VERBS])


app = typer.Typer(
    cls=_Verbs,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _use_plugins(folders: Iterable[Path]) -> None:
    """Name plugin folders in the environment, so that processes started by this one see the same plugins."""
    earlier = os.environ.get("AVSPATIAL_PLUGINS")
    names = [*(str(folder.absolute()) for folder in folders), *(earlier.split(os.pathsep) if earlier else [])]
    if names:
        os.environ["AVSPATIAL_PLUGINS"] = os.pathsep.join(dict.fromkeys(names))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"avspatial {__version__}")
        raise typer.Exit


@app.callback()
def avspatial(
    plugins: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="A plugin folder, or a folder of them; like AVSPATIAL_PLUGINS. Repeatable.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Convert video with mono sound into binaural video, guided by the picture."""
    _use_plugins(plugins or ())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Command-line arguments; None for `sys.argv[1:]`.

    Returns:
        The exit code: 0 success, 1 a check failed, 2 an error of the user, 70 a bug in avspatial, 130 interrupted (by
        another signal than Ctrl-C: 128 + its number).
    """
    escape_unprintable(sys.stdout)
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with stoppable():
            get_command(app)(args=[_expand_home(word) for word in words], prog_name="avspatial")
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
        if code == 130:  # from click, for Ctrl-C; a run that exists raises Interrupted, with its own instructions
            print("interrupted; no file is incomplete. Give the same command again to continue.", file=sys.stderr)
            return 128 + signal_of(done)
        return code
    except AvspatialError as error:
        # The errors of a recipe are lines that begin with their location, which editors can jump to.
        print(str(error) if isinstance(error, RecipeError) else f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FILE_ERRORS:
            what, fix = _FILE_ERRORS[error.errno]
            where = error.filename2 or error.filename or ""
            print(f"error: {AvspatialError(what, where=where, fix=fix)}", file=sys.stderr)
            return 2
        traceback.print_exc()
        print(
            f"error: this is a bug in avspatial {__version__}, not an error of yours. Please report it {_where()}, "
            "with the lines above and the output of `avspatial doctor --json`.",
            file=sys.stderr,
        )
        return 70
    return 0


def _where() -> str:
    """Where to report a bug: the address in the package's metadata, which is pyproject's."""
    try:
        urls = metadata.metadata("avspatial").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        urls = []
    addresses = dict(url.split(", ", 1) for url in urls)
    address = addresses.get("Issues") or addresses.get("Repository") or next(iter(addresses.values()), "")
    return f"at {address}" if address else "on the project's issue tracker"


def _expand_home(word: str) -> str:
    """`--out=~/x`, and `~/x` in quotes, which a shell leaves as they are."""
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{equals}{as_path(value)}" if value == "~" or value.startswith("~/") else word
