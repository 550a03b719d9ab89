"""The frame of the command line: verbs, exit codes, error messages, and light imports."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from avspatial import __version__
from avspatial.cli import doctor
from avspatial.cli.main import VERBS, main, summary

ROOT = Path(__file__).parents[2]
LIGHT = (
    ["--help"],
    ["--version"],
    ["plugins", "list"],
    ["plugins", "show", "c3d"],
    ["recipes", "list"],
    ["recipes", "check", "sagm_demo"],
)


def avspatial(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("AVSPATIAL_")}
    return subprocess.run(
        [sys.executable, "-m", "avspatial", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**known, **environment},
    )


def test_help_lists_every_verb_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        assert f"  {verb} " in shown
        assert summary(verb).partition(",")[0] in shown
        assert summary(verb).endswith(".") and "\n" not in summary(verb)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: avspatial {verb} ")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"avspatial {__version__}\n"


def test_an_unknown_verb_is_a_usage_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "list"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "Usage: avspatial [OPTIONS] COMMAND [ARGS]...\nTry 'avspatial --help' for help.\n\n"
        "Error: There is no command 'recipe' (did you mean 'recipes'?).\n"
    )


@pytest.mark.parametrize("arguments", [["--wrong"], ["recipes"], ["recipes", "show"], ["plugins", "list", "--x"]])
def test_usage_errors_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert "Usage: avspatial" in printed.out + printed.err
    assert "Traceback" not in printed.err


def code_and_imports(arguments: list[str], *modules: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which then prints its exit code and which of the modules it imported."""
    program = (
        "import sys; from avspatial.cli.main import main; code = main(sys.argv[1:]);"
        f"print(code, [m for m in {modules} if m in sys.modules])"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT, check=True
    )


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    done = code_and_imports(arguments, "torch", "numpy", "scipy", "timm", "av", "matplotlib")
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_are_quick(arguments: list[str]) -> None:
    """At most 0.3 s more than a bare interpreter on an idle machine (tests/benchmarks). Here the limit is twice that,
    in CPU time, scaled by what the bare interpreter takes over 12 ms: a busy machine is slow at both."""

    def seconds(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], capture_output=True, cwd=ROOT, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds("-c", "pass") for _ in range(3))
    assert min(seconds("-m", "avspatial", *arguments) for _ in range(3)) - bare < 0.6 * max(1, bare / 0.012)


def test_recipe_errors_are_lines_that_begin_with_their_position(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("schema: 1\nname: r\nextends: gone.yaml\n")
    assert main(["run", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == f"{path}:3:10: extends: there is no file {tmp_path / 'gone.yaml'}"
    assert "Traceback" not in printed.err


def test_other_errors_say_what_is_wrong_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "show", "c3e"]) == 2
    assert capsys.readouterr().err == (
        "error: there is no plugin or component 'c3e' (did you mean 'c3d'?)\n  `avspatial plugins list` lists them.\n"
    )


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make the first part of `avspatial doctor` raise `error`."""

    def meet() -> None:
        raise error

    monkeypatch.setattr(doctor, "_versions", meet)


def test_a_bug_is_reported_at_the_address_in_the_package_s_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "avspatial-9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: avspatial\nVersion: 9\n"
        "Project-URL: Homepage, https://example.org/\nProject-URL: Issues, https://example.org/issues\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    raising(monkeypatch, ZeroDivisionError("planted"))
    assert main(["doctor"]) == 70
    assert "Please report it at https://example.org/issues, with the lines above" in capsys.readouterr().err


def test_a_bug_is_shown_with_its_traceback_and_where_to_report_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, ZeroDivisionError("planted"))
    assert main(["doctor"]) == 70
    message = capsys.readouterr().err
    assert message.startswith("Traceback (most recent call last):\n")
    assert message.endswith(
        f"ZeroDivisionError: planted\nerror: this is a bug in avspatial {__version__}, not an error of yours. Please "
        "report it on the project's issue tracker, with the lines above and the output of `avspatial doctor --json`.\n"
    )


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == ("interrupted; no file is incomplete. Give the same command again to continue.\n")


FREE = "Free space or allow writing there, or choose another folder (`--runs DIR` for runs)."
ALLOW = "Allow reading and writing it, or choose another folder (`--runs DIR` for runs)."
FULL = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
}


@pytest.mark.parametrize("number", FULL)
def test_a_full_or_forbidden_disk_is_reported_without_a_traceback(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, OSError(number, os.strerror(number), "runs/a/log.jsonl"))
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == (
        f"error: runs/a/log.jsonl: {FULL[number]}\n  {ALLOW if number == errno.EACCES else FREE}\n"
    )


def test_a_really_full_disk(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "avspatial", "recipes", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: no space left on the disk\n")
    assert "Traceback" not in done.stderr


def test_plugin_folders_are_given_by_option_or_by_the_environment(write_plugin) -> None:
    code = (
        "from avspatial.plugin import Component, hookimpl\n\n@hookimpl\ndef avspatial_components():\n"
        "    return [Component('metric', 'loudest', '1', 'a.b:C', 'a.b:D', 'The loudest.')]\n"
    )
    first, second = write_plugin("first", code), write_plugin("second", code)
    done = avspatial("--plugins", str(first), "plugins", "list", "--kind", "metric", "--json")
    assert "first.loudest" in {entry["id"] for entry in json.loads(done.stdout)["components"]}
    done = avspatial("--plugins", str(first), "plugins", "list", "--json", AVSPATIAL_PLUGINS=str(second))
    assert {"first.loudest", "second.loudest"} <= {entry["id"] for entry in json.loads(done.stdout)["components"]}


def test_a_broken_plugin_stops_no_unrelated_command_and_is_not_silent(write_plugin) -> None:
    home = write_plugin("broken", "import nothing_of_that_name\n")
    reason = (
        f"plugin 'broken' ({home / 'pyproject.toml'}): ModuleNotFoundError: No module named 'nothing_of_that_name' "
        f"({home / 'src/broken_plugin/__init__.py'}:1)"
    )
    done = avspatial("--plugins", str(home), "recipes", "check", "sagm_demo")
    assert (done.returncode, done.stdout, done.stderr) == (0, "sagm_demo: ok\n", f"warning: {reason}\n")
    done = avspatial("--plugins", str(home), "plugins", "list")
    assert (done.returncode, done.stderr) == (0, f"warning: {reason}\n")


def test_no_colour_where_there_is_no_terminal() -> None:
    for arguments in (("--help",), ("plugins", "list"), ("recipes", "--help"), ("wrong",)):
        done = avspatial(*arguments)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [[], ["run"], ["plugins"], ["plugins", "list"], ["data", "simulate"]])
def test_the_short_form_of_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "-h"]) == 0
    short = capsys.readouterr().out
    assert main([*command, "--help"]) == 0
    assert short == capsys.readouterr().out and short.startswith("Usage: avspatial")


@pytest.mark.parametrize("verb", ["plugins", "metrics", "recipes", "leaderboard", "data", "weights"])
def test_no_sentence_of_help_is_cut(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:\n")[2]
    assert commands and "..." not in commands


def test_completion_is_offered_at_the_root_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--install-completion" in capsys.readouterr().out
    for verb in VERBS:
        assert main([verb, "--help"]) == 0
        assert "completion" not in capsys.readouterr().out


@pytest.mark.parametrize("place", [0, 1, 2, 4])
def test_plugin_folders_may_stand_anywhere(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", "new", "metric", "mine", "--into", str(tmp_path)]) == 0
    capsys.readouterr()
    monkeypatch.setenv("AVSPATIAL_PLUGINS", "")  # and put back afterwards
    arguments = ["plugins", "list", "--kind", "metric"]
    assert main([*arguments[:place], "--plugins", str(tmp_path / "mine"), *arguments[place:]]) == 0
    assert "mine.mine" in capsys.readouterr().out


MISSING = (
    ["run", "typo.yaml"],
    ["run", "--resume", "nothing"],
    ["spatialize", "video.mp4", "--run", "nothing"],
    ["spatialize", "video.mp4", "--run", "typo.yaml"],
    ["export", "nothing", "-o", "model.safetensors"],
)


@pytest.mark.parametrize("arguments", MISSING, ids=" ".join)
def test_what_is_missing_is_reported_before_torch_is_imported(arguments: list[str]) -> None:
    done = code_and_imports(arguments, "torch", "numpy", "scipy")
    assert done.stdout == "2 []\n"
    assert ("there is no such file" in done.stderr) or ("no such run directory" in done.stderr)
