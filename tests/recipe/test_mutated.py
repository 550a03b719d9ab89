"""Damaged recipes: any bytes that a file may hold end in a recipe or in an error that names a file, soon."""

from __future__ import annotations

import re
import time
from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avspatial.cli.main import main
from avspatial.recipe.catalogue import folder

RECIPES = folder()
FILES = sorted(file.relative_to(RECIPES) for file in RECIPES.rglob("*.yaml"))
PLUGINS = Path(__file__).parents[2] / "plugins"
SECONDS = 60.0
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{previous}'] * 9)}]\n"
    for previous, name in zip("abcdefg", "bcdefgh", strict=True)
)
ODD = (
    "&a [*a]", "*a", "&b [x, x]", "<<: {a: 1}", "!!python/object:os.system {}", "!x 1", "!!int abc", "!!float abc",
    "!!bool x", "!!timestamp 2026-99-99", "2026-02-31", "!!binary x", "!!set {a}", "0o9", "0x", "0xFF", "1_000",
    "1e999", "-.inf", ".nan", "1" * 5000, "9" * 400, '"\\uD800"', '"\\0"', "\0", "\x85", "\u2028", "\ufeff", "é",
    "\U0001f600",
    "{", "[", "]", "? [a]: b", "{[1]: 2}", "{1: 2}", "{null: 2}", "---", "...", "- a", "|", ">", "%YAML 1.1", "'", '"',
    "\t", "@x", "`x`", "${A", "${}", "${A:-${B}}", "[" * 2000, "{a: " * 2000, "- " * 2000, "x" * 50000, "true", "~",
    "[]", "{}", '{"\\e[31m": 1}', '"\\e[31m"', "{use: 5}", "{use: null}", "{use: ''}", "c3d@", "@1", "/dev/null", ".",
    "a\0b", BOMB,
)  # fmt: skip
"""What YAML allows, or almost allows, and nobody writes in a recipe."""
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Path, bytes]:
    """A shipped recipe, or a file that it extends, after one to three changes."""
    file = draw(st.sampled_from(FILES))
    data = (RECIPES / file).read_bytes()
    for _ in range(draw(st.integers(1, 3))):
        data = draw(changed(data))
    return file, data


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    lines = data.split(b"\n")
    here, there = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    place = draw(st.integers(0, len(data)))
    odd = draw(st.sampled_from(ODD)).encode("utf-8", "surrogatepass")
    key, _, value = lines[here].partition(b":")
    other = lines[there].partition(b":")[2]
    return draw(
        st.sampled_from(
            [
                data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :],
                data[:place],
                data[:place] + odd + data[place:],
                b"\n".join(lines[:here] + lines[here + 1 :]),
                b"\n".join([*lines[:there], lines[here], *lines[there:]]),
                b"\n".join([*lines[:here], key + b":" + other, *lines[here + 1 :]]),
                b"\n".join([*lines[:here], key + b": " + odd, *lines[here + 1 :]]),
                b"\n".join([*lines[:here], odd + b":" + value, *lines[here + 1 :]]),
                b"\n".join([*lines[:here], odd, *lines[here:]]),
                b"\n".join([*lines[:here], b" " + lines[here], *lines[here + 1 :]]),
                data.replace(b"\n", b"\r\n"),
                data.replace(b"\n", b"\r"),
                data.decode("utf-8", "replace").encode(draw(st.sampled_from(ENCODINGS)), "replace"),
            ]
        )
    )


def check_all(examples: int, copied: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Check mutated recipes as the command line does; returns how many were still valid."""
    copytree(RECIPES, copied)
    valid = 0

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(mutations())
    def check(mutation: tuple[Path, bytes]) -> None:
        nonlocal valid
        file, data = mutation
        (copied / file).write_bytes(data)
        start = time.perf_counter()
        code = main(["--plugins", str(PLUGINS), "recipes", "check", str(copied / file)])
        seconds = time.perf_counter() - start
        out, err = capsys.readouterr()
        (copied / file).write_bytes((RECIPES / file).read_bytes())
        assert seconds < SECONDS
        assert code in (0, 2), err
        assert "Traceback" not in err and "Warning" not in err
        assert out.endswith(": ok\n") if code == 0 else str(copied) in err
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", err), "a control character would change the terminal"
        valid += code == 0

    check()
    return valid


def test_a_damaged_recipe_is_an_error_that_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_all(12, tmp_path / "recipes", capsys)


@pytest.mark.slow
def test_300_damaged_recipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 < check_all(300, tmp_path / "recipes", capsys) < 300


LIMITS = {
    BOMB: "has more than 20000 values; every alias (*NAME) repeats all values of its anchor",
    "a: " + "[" * 60 + "]" * 60 + "\n": "nested too deeply, or a value that contains itself",
    "a: " + "x" * 1_000_001: "has 1000004 characters; a recipe has at most 1000000",
}


@pytest.mark.parametrize("text", LIMITS, ids=["aliases", "depth", "length"])
def test_a_file_that_would_take_too_long_is_refused(refused, text: str) -> None:
    assert refused(text) == [f"r.yaml: {LIMITS[text]}"]


NO_VALUES = {"!!int x": "int", "!!float x": "float", "!!bool x": "bool", "1" * 5000: "int"}


@pytest.mark.parametrize("value", NO_VALUES, ids=[*list(NO_VALUES)[:3], "digits"])
def test_a_value_that_is_not_what_its_tag_says(refused, value: str) -> None:
    assert f"r.yaml:2:7: seed: cannot be read as {NO_VALUES[value]}" in refused(f"extends: good.yaml\nseed: {value}\n")


def test_an_anchor_may_be_used_twice(load) -> None:
    assert load("extends: good.yaml\nseed: &a 3\nlimit: &a 4\n").recipe.limit == 4


def test_control_characters_are_escaped(refused) -> None:
    lines = refused('extends: good.yaml\n"\\e[31mred\\n": 1\ndata: {root: "x${\\e[2J}"}\n')
    assert lines == [
        "r.yaml:2:1: \\x1b[31mred\\n: no such key",
        "r.yaml:3:14: data.root: ${\\x1b[2J} is invalid; write ${NAME} or ${NAME:-DEFAULT}",
    ]


NO_PATHS = {'"\\0"': "there is no file \\x00", "x" * 5000: "cannot be read: File name too long"}


@pytest.mark.parametrize("path", NO_PATHS, ids=["null", "long"])
def test_a_parent_that_no_file_can_be(refused, path: str) -> None:
    assert refused(f"extends: {path}\nname: x\n") == [f"r.yaml:1:10: extends: {NO_PATHS[path]}"]
