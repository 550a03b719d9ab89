"""Every block of docs/third_party.md runs, in order, in an environment with only the wheel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.outside import Outside
from support.pages import ROOT, blocks

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "third_party.md"


@pytest.fixture(scope="module")
def workplace(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    """The folder in which all blocks of the page were run, and what each printed, by its line."""
    folder, printed = tmp_path_factory.mktemp("author"), {}
    for block in blocks(PAGE):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.text, encoding="utf-8")
        else:
            shell = {"bash": ("bash", "-euo", "pipefail", "-c"), "python": ("python", "-P", "-c")}[block.language]
            printed[block.line] = outside.run(*shell, block.text, cwd=folder)
    return folder, printed


def test_the_page_runs_and_its_last_block_compares_the_two(workplace: tuple[Path, dict[int, str]]) -> None:
    *_, compared = workplace[1].values()
    assert "coordconv_demo against sagm_demo" in compared
    assert (workplace[0] / "coordconv.html").is_file()


def test_the_component_is_listed_from_its_wheel(outside: Outside, workplace: tuple[Path, dict[int, str]]) -> None:
    listed = json.loads(outside.run("avspatial", "plugins", "list", "--json", cwd=workplace[0]))
    assert {"name": "coordconv", "version": "0.1.0", "origin": "avspatial-coordconv 0.1.0"} in listed["plugins"]
    assert "coordconv.coordconv" in {component["id"] for component in listed["components"]}


def test_the_run_names_the_component_with_its_version(workplace: tuple[Path, dict[int, str]]) -> None:
    (run,) = (workplace[0] / "runs" / "coordconv_demo").iterdir()
    assert "use: coordconv.coordconv@1\n" in (run / "recipe.resolved.yaml").read_text()
    facts = json.loads((run / "run.json").read_text())
    assert "avspatial-coordconv" in json.dumps(facts["plugins"])
