"""The notebooks are valid, hold no results, and do what they say when their cells are run in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import ROOT

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed; `pip install -e '.[test]'` brings it")
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
IN_JUPYTER_ALONE = "listen"
"""The tag of cells that need a browser to play sound."""

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def code_cells(path: Path) -> list[dict[str, object]]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def script(path: Path) -> str:
    """The cells that run anywhere, as one script."""
    kept = [cell for cell in code_cells(path) if IN_JUPYTER_ALONE not in cell["metadata"].get("tags", [])]
    return "\n\n".join(cell["source"] for cell in kept)


def test_there_is_one() -> None:
    assert [path.name for path in NOTEBOOKS] == ["spatialize.ipynb"]


@notebooks
def test_a_notebook_is_valid_and_holds_no_results(path: Path) -> None:
    nbformat.validate(nbformat.read(path, as_version=4))
    assert [cell["id"] for cell in code_cells(path) if cell["outputs"] or cell["execution_count"]] == []


@notebooks
def test_the_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(links) > 2
    assert [link for link in links if not (path.parent / link).is_file()] == []


@pytest.mark.slow
def test_the_panner_follows_the_source_in_the_notebook(tmp_path: Path) -> None:
    paths = os.pathsep.join(folder for folder in sys.path if folder)
    done = subprocess.run(
        [sys.executable, "-c", script(NOTEBOOKS[0])],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / ".cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"correlation of the two curves: (\S+)", done.stdout)
    assert found
    assert float(found[1]) > 0.9
