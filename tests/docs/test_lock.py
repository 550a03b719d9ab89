"""uv.lock fits pyproject.toml, has a hash for every file, and names PyPI's own addresses and no other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from support.pages import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXT = (ROOT / "uv.lock").read_text(encoding="utf-8")
LOCK: dict[str, Any] = tomllib.loads(TEXT)
(OWN,) = (package for package in LOCK["package"] if package["name"] == PROJECT["name"])
OTHERS: list[dict[str, Any]] = [package for package in LOCK["package"] if package["name"] != PROJECT["name"]]
FILE = re.compile(r"https://files\.pythonhosted\.org/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[\w.+-]+")

Wanted = tuple[str, frozenset[str], SpecifierSet, str]
"""A requirement: name, extras, versions, and the marker that says when it is needed."""


def wanted(requirement: Requirement, extra: str) -> Iterator[Wanted]:
    """A requirement of pyproject.toml as the lock has it: extras of the project itself are written out."""
    if canonicalize_name(requirement.name) == PROJECT["name"]:
        for inner in requirement.extras:
            for text in PROJECT["optional-dependencies"][inner]:
                yield from wanted(Requirement(text), extra)
        return
    when = [str(requirement.marker)] if requirement.marker else []
    when += [f"extra == '{extra}'"] if extra else []
    yield (
        canonicalize_name(requirement.name),
        frozenset(requirement.extras),
        requirement.specifier,
        " and ".join(when).replace('"', "'"),
    )


def files(package: dict[str, Any]) -> list[dict[str, Any]]:
    return [*([package["sdist"]] if "sdist" in package else []), *package.get("wheels", [])]


def test_it_was_made_from_the_requirements_that_pyproject_states() -> None:
    groups = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    stated = {need for extra, texts in groups.items() for text in texts for need in wanted(Requirement(text), extra)}
    locked = {
        (
            need["name"],
            frozenset(need.get("extras", [])),
            SpecifierSet(need.get("specifier", "")),
            need.get("marker", ""),
        )
        for need in OWN["metadata"]["requires-dist"]
    }
    assert locked == stated, "run `uv lock`"
    assert set(OWN["metadata"]["provides-extras"]) == set(PROJECT["optional-dependencies"])
    assert LOCK["requires-python"] == PROJECT["requires-python"]


def test_every_file_of_every_package_has_a_sha256() -> None:
    assert len(OTHERS) > 100
    assert [package["name"] for package in OTHERS if not files(package)] == []
    hashes = {file["url"]: file.get("hash", "") for package in OTHERS for file in files(package)}
    assert [url for url, digest in hashes.items() if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest)] == []


def test_every_package_is_from_pypi() -> None:
    assert {tuple(package["source"].items()) for package in OTHERS} == {(("registry", "https://pypi.org/simple"),)}
    assert OWN["source"] == {"editable": "."}
    urls = [file["url"] for package in OTHERS for file in files(package)]
    assert [url for url in urls if not FILE.fullmatch(url)] == []


def test_it_names_no_other_place() -> None:
    assert set(re.findall(r"[a-z+]+://[^/\"\s]*", TEXT)) == {"https://pypi.org", "https://files.pythonhosted.org"}
    assert re.findall(r"^.*(?:path|directory|git|find-links) = .*$", TEXT, re.M) == []


def test_torch_is_the_build_with_cuda_on_linux() -> None:
    (torch,) = (package for package in OTHERS if package["name"] == "torch")
    assert "+" not in torch["version"]
    assert any(need["name"].startswith("cuda-") for need in torch["dependencies"])
