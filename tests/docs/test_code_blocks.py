"""The documentation is true: its code runs; its commands, names and links exist.

A page's blocks run in order, in one new folder, with one Python namespace. `<!-- not run: REASON -->` on the line
before a block keeps it from running; `title="PATH"` after the language makes a block that file.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from support.pages import FENCE, ROOT, Block, blocks
from typer.main import get_command

from avspatial import errors, interfaces, plugin
from avspatial.cli.main import VERBS, app
from avspatial.recipe.load import load_recipe
from avspatial.recipe.schema import Recipe
from avspatial.registry import discover

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CHEAP_RUN = re.compile(r"--help|--version")
CHEAP_VERBS = {"recipes", "plugins", "doctor", "data", "evaluate", "published", "leaderboard", "metrics"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
LONG = {
    "contributing.md",
    "evaluate.md",
    "install.md",
    "metrics.md",
    "plugins.md",
    "published.md",
    "third_party.md",
    "tutorial.md",
}
"""Pages whose blocks take over five seconds: run in the full lane."""
pages_by_lane = pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.slow) if page.name in LONG else page for page in PAGES],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)


def command_lines(script: str) -> list[list[str]]:
    """Return the commands of a shell script, one list of words each."""
    joined = script.replace("\\\n", " ")
    parts = [part for line in joined.splitlines() for part in line.split("&&")]
    words = [shlex.split(part, comments=True) for part in parts]
    return [line for line in words if line]


def after_avspatial(words: list[str]) -> list[str] | None:
    """Return the arguments that a command gives to avspatial, or None if it calls something else."""
    for index, word in enumerate(words):
        called = word.endswith(("/avspatial", "-m avspatial")) or word == "avspatial"
        if called and (index == 0 or words[index - 1] == "-m"):
            return words[index + 1 :]
    return None


def used_commands(page: Path) -> list[list[str]]:
    """Return every use of the avspatial command in a page: in blocks, run or not, and between back-quotes."""
    text = page.read_text(encoding="utf-8")
    scripts = [block.text for block in blocks(page) if block.language == "bash"]
    yaml_comments = re.findall(r"^#\s+(avspatial .*?)(?:\s{2,}#.*)?$", text, re.M)
    spans = re.findall(r"`((?:avspatial|accelerate) [^`]+)`", FENCE.sub("", text))
    lines = [words for script in [*scripts, *yaml_comments, *spans] for words in command_lines(script)]
    return [arguments for arguments in map(after_avspatial, lines) if arguments is not None]


def refusal(arguments: list[str]) -> str:
    """Return why the command line would refuse these arguments, or "" (values are not checked)."""
    command: Any = get_command(app)
    left = [word for word in arguments if word != "..."]
    while left:
        word = left.pop(0)
        options = {name: each for each in command.params for name in each.opts if name.startswith("-")}
        if word in ("--help", "-h"):
            continue
        if word.startswith("-"):
            name, _, value = word.partition("=")
            if name not in options:
                return f"{command.name} has no option {name}"
            if not options[name].is_flag and not value:
                left = left[1:]
        elif hasattr(command, "get_command"):
            inner = None if word not in command.list_commands(None) else command.get_command(None, word)
            if inner is None:
                return f"{command.name} has no command {word}" if word.islower() else ""
            command = inner
    return ""


def environment(folder: Path) -> dict[str, str]:
    """This environment, with its relative plugin folders made absolute and every cache inside `folder`."""
    changed = {"XDG_CACHE_HOME": str(folder / ".cache"), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    if os.environ.get("AVSPATIAL_PLUGINS"):
        folders = os.environ["AVSPATIAL_PLUGINS"].split(os.pathsep)
        changed["AVSPATIAL_PLUGINS"] = os.pathsep.join(str(ROOT / each) for each in folders)
    return os.environ | changed


def run_commands(block: Block, place: str, folder: Path) -> None:
    for words in command_lines(block.text):
        arguments = after_avspatial(words)
        assert arguments is not None, f"{place}: only avspatial is run from a page: {shlex.join(words)}"
        cheap = CHEAP_VERBS & set(arguments) or CHEAP_RUN.search(block.text)
        assert cheap, f"{place}: too long for a page's test, mark it `<!-- not run: REASON -->`: {shlex.join(words)}"
        done = subprocess.run(
            [sys.executable, "-m", "avspatial", *arguments],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{place}: {shlex.join(words)}\n{done.stdout}{done.stderr}"


@pages_by_lane
def test_the_blocks_of_a_page_run_in_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    (tmp_path / "plugins").symlink_to(ROOT / "plugins")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        place = f"{page.relative_to(ROOT)}:{block.line}"
        if block.file:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        elif block.reason is None and block.language == "bash":
            run_commands(block, place, tmp_path)
        elif block.reason is None and block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec", dont_inherit=True), namespace)


@pages
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [f"{page.name}:{block.line}" for block in blocks(page) if block.reason == ""] == []
    assert text.count("<!-- not run") == sum(block.reason is not None for block in blocks(page))


@pages
def test_every_block_names_its_language(page: Path) -> None:
    assert [f"{page.name}:{block.line}" for block in blocks(page) if not block.language] == []
    assert page.read_text(encoding="utf-8").count("\n```") == 2 * len(blocks(page))


@pages
def test_every_command_and_option_exists(page: Path) -> None:
    assert [(" ".join(words), refusal(words)) for words in used_commands(page) if refusal(words)] == []


@pages
def test_every_recipe_and_override_in_a_command_is_accepted(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/data")
    for words in used_commands(page):
        named = [word for word in words if word.endswith(".yaml")]
        if words[0] == "run" and named and (ROOT / named[0]).parent.name == "recipes":
            changes = [word for before, word in pairwise(words) if before == "--set" and word.islower()]
            load_recipe(ROOT / named[0], discover(), overrides=changes, smoke="--smoke" in words)


def _names(value: Any) -> set[str]:
    """Every key of nested maps."""
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in _names(item)}
    return {name for item in value for name in _names(item)} if isinstance(value, list) else set()


def _used(value: Any) -> set[str]:
    """Every component that `use` names."""
    if isinstance(value, dict):
        own = {str(value["use"]).partition("@")[0]} if "use" in value else set()
        return own | {name for item in value.values() for name in _used(item)}
    return {name for item in value for name in _used(item)} if isinstance(value, list) else set()


@pages
def test_every_recipe_key_and_component_in_yaml_exists(page: Path) -> None:
    entries = discover().entries()
    names = {name for entry in entries for name in (entry.id, entry.component.name)}
    # and the components that the page itself creates
    names |= {words[3] for words in used_commands(page) if words[:2] == ["plugins", "new"] and len(words) > 3}
    models = [Recipe, *(entry.settings_class() for entry in entries)]
    keys = {"extends", "use", "schema"} | {key for model in models for key in model.model_json_schema()["properties"]}
    for model in models:
        for shared in model.model_json_schema().get("$defs", {}).values():
            keys |= set(shared.get("properties", {}))
            names |= set(shared.get("properties", {}).get("use", {}).get("enum", ()))
    keys |= {key for block in blocks(page) for key in re.findall(r"^    (\w+): \w+ = setting\(", block.text, re.M)}
    for block in blocks(page):
        if block.language == "yaml":
            read = YAML(typ="safe").load(block.text)
            assert _names(read) - keys == set(), f"{page.name}:{block.line}"
            assert _used(read) - names == set(), f"{page.name}:{block.line}"


@pages
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    text = re.sub(r"<!--.*?-->", "", FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.S)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _undocumented(names: list[str]) -> list[str]:
    """Return the names that no page contains."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return [name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)]


def test_every_command_is_documented() -> None:
    assert _undocumented([f"avspatial {verb}" for verb in VERBS]) == []


def test_every_kind_and_its_interface_is_documented() -> None:
    classes = ["".join(part.capitalize() for part in kind.split("_")) for kind in plugin.KINDS]
    assert all(hasattr(interfaces, name) for name in classes)
    assert _undocumented([f"`{name}`" for name in (*plugin.KINDS, *classes)]) == []


def test_every_hook_is_documented_with_its_signature() -> None:
    text = " ".join((ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").split())
    assert "def avspatial_components() -> Iterable[Component]:" in text
    assert "def avspatial_record(run: str, record: Mapping[str, object]) -> None:" in text
    assert {name for name in vars(plugin.Hooks) if not name.startswith("_")} == {
        "avspatial_components",
        "avspatial_record",
    }


def test_every_error_is_documented() -> None:
    own = [name for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, Exception)]
    assert _undocumented([f"`{name}`" for name in own]) == []


def test_every_page_is_in_the_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    others = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:] if page.name != "index.md"]
    assert [name for name in others if f"]({name})" not in index] == []


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    """Each complete in itself, as the project promises: one ends in the demo, the other in the tests."""
    setups = [b.text.strip() for b in blocks(ROOT / "README.md") if b.language == "bash" and "venv" in b.text]
    assert len(setups) == 2
    assert all(setup.count("\n") == 0 and "pip install" in setup for setup in setups)
    assert setups[0].endswith("avspatial run recipes/sagm_demo.yaml")
    assert setups[1].endswith("pytest -n 2 --dist worksteal")
