"""Build the documentation site: `python docs/scripts/build_site.py`, then open build/site/index.html.

The site is laid out as the repository: README.md is its first page, and links between README.md, docs/, plugins/ and
recipes/ hold on it as they stand. The site generator reads everything below one folder, so what belongs to the site
is copied to build/pages first. A link to a page or heading that does not exist fails the build.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def collect(root: Path, pages: Path) -> None:
    """Copy what the site shows or links to from `root` to the new folder `pages`, under the same relative paths."""
    shutil.rmtree(pages, ignore_errors=True)
    for folder in ("docs", "recipes"):
        shutil.copytree(root / folder, pages / folder, ignore=shutil.ignore_patterns("scripts", "mkdocs.yml"))
    for file in ("README.md", "LICENSE", *(path.relative_to(root) for path in root.glob("plugins/*/README.md"))):
        (pages / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, pages / file)


def build(root: Path) -> int:
    """Build root/build/site and return the generator's exit code."""
    collect(root, root / "build" / "pages")
    config = shutil.copy(root / "docs" / "mkdocs.yml", root / "build" / "mkdocs.yml")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", str(config)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(build(ROOT))
