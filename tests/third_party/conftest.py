"""avspatial's wheel in a fresh environment outside the repository, with dependencies from the package index."""

from __future__ import annotations

import subprocess
import venv

import pytest
from support.outside import ROOT, Outside


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    folder = tmp_path_factory.mktemp("outside")
    assert not folder.is_relative_to(ROOT)
    venv.create(folder / "environment", with_pip=True)
    python = str(folder / "environment" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("avspatial-*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel)], check=True)
    return Outside(folder, wheel)
