"""The documentation site: it is built strictly, its links hold, and nothing on it comes from elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from ruamel.yaml import YAML
from support.pages import ROOT

pytest.importorskip("zensical", reason="the site generator is not installed; `pip install -e '.[test]'` brings it")
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """The anchors, links and loaded files of an HTML page, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.links += [given[name] for name in ("href", "src") if name in given]
        if LOADED.get(tag) in given:
            self.loaded.append(given[LOADED[tag]])

    def handle_data(self, data: str) -> None:
        self.text += data


def copy_sources(into: Path) -> Path:
    """What the site is made of, in a folder of its own."""
    for folder in ("docs", "plugins", "recipes"):
        shutil.copytree(ROOT / folder, into / folder, ignore=shutil.ignore_patterns("src", "tests", "__pycache__"))
    for file in ("README.md", "LICENSE"):
        shutil.copy(ROOT / file, into / file)
    return into


def build(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "docs" / "scripts" / "build_site.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """The pages of the built site."""
    root = copy_sources(tmp_path_factory.mktemp("site"))
    done = build(root)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = root / "build" / "site"
    # 404.html is shown at any address, so that its links are from the server's top.
    return {path: Page(path) for path in sorted(folder.rglob("*.html")) if path.name != "404.html"}


def broken(page: Page, site: dict[Path, Page]) -> list[str]:
    """The links of a page that lead to no file of the site, or to no anchor of its page."""
    wrong = []
    for link in page.links:
        target = urlsplit(link)
        if target.scheme or target.netloc:
            continue
        file = (page.path.parent / unquote(target.path)).resolve() if target.path else page.path
        file = file / "index.html" if file.is_dir() else file
        lost = file in site and target.fragment and unquote(target.fragment) not in site[file].anchors
        if not file.is_file() or lost:
            wrong.append(link)
    return wrong


def test_every_page_of_the_project_is_on_it(site: dict[Path, Page]) -> None:
    sources = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").glob("*/README.md")]
    assert len(site) == len(sources) > 25


def test_every_link_and_anchor_on_it_exists(site: dict[Path, Page]) -> None:
    assert [(path, link) for path, page in site.items() for link in broken(page, site)] == []
    assert sum(len(page.links) for page in site.values()) > 1000


def test_it_loads_nothing_from_elsewhere(site: dict[Path, Page]) -> None:
    loaded = {link for page in site.values() for link in page.loaded}
    assert len(loaded) > 3
    assert sorted(link for link in loaded if urlsplit(link).scheme or urlsplit(link).netloc) == []


def test_every_code_block_is_shown_as_one(site: dict[Path, Page]) -> None:
    assert [path.name for path, page in site.items() if "```" in page.text] == []


def named(entry: object) -> list[str]:
    """The pages that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in named(part)]  # type: ignore[union-attr]


def test_the_navigation_names_every_page_once() -> None:
    config = YAML(typ="safe").load((ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"))
    files = ["README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").glob("*/README.md")]
    assert sorted(named(config["nav"])) == sorted((ROOT / file).relative_to(ROOT).as_posix() for file in files)


@pytest.mark.parametrize("link", ["nowhere.md", "tutorial.md#nowhere"])
def test_a_dead_link_fails_the_build(link: str, tmp_path: Path) -> None:
    root = copy_sources(tmp_path)
    with (root / "docs" / "data.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[a dead link]({link})\n")
    done = build(root)
    assert done.returncode != 0
    assert "docs/data.md" in done.stdout + done.stderr
    assert "1 issue found" in done.stdout + done.stderr
