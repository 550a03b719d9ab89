"""The changelog and CITATION.cff name the package's version."""

from __future__ import annotations

import re

from ruamel.yaml import YAML
from support.pages import ROOT

from avspatial.version import __version__

CHANGELOG = (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")


def test_the_changelog_begins_with_what_is_unreleased_and_then_this_version() -> None:
    versions = re.findall(r"^## (\S+)", CHANGELOG, re.M)
    assert versions[:2] == ["Unreleased", __version__]
    assert len(set(versions)) == len(versions)


def test_the_changelog_groups_changes_as_keep_a_changelog_does() -> None:
    groups = set(re.findall(r"^### (.*)$", CHANGELOG, re.M))
    assert groups <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_citation_names_this_version() -> None:
    citation = YAML(typ="safe", pure=True).load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["authors"] == [{"name": "The avspatial authors"}]
