"""One term, one meaning: retired words do not come back, not even as part of an identifier.

`docs/glossary.md` says what each term means. `python tests/docs/test_words.py` prints what it finds, by file.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEARCHED = (
    "avspatial",
    "plugins",
    "tests",
    "recipes",
    "docs",
    "README.md",
    "pyproject.toml",
    "CITATION.cff",
    ".ci",
    ".github",
    ".pre-commit-config.yaml",
)
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".txt", ".j2", ".toml", ".js", ".css", ".cff", ".ipynb"}
EXEMPT = {Path("docs/changelog.md"), Path("tests/docs/test_words.py")}

TERMS = {
    "aside": "temporary path",
    "battery": "test cases",
    "beside": "next to, together with",
    "besides": "also, in addition",
    "heard": "audio, played",
    "heed": "use, apply",
    "lesson": "training recording",
    "lessons": "training recordings",
    "look": "visual features, see",
    "looked": "visual features, seen",
    "looking": "visual features, seeing",
    "looks": "visual features, sees",
    "manner": "inference options",
    "mend": "fix",
    "mended": "fixed",
    "mends": "fixes",
    "mistake": "error",
    "mistakes": "errors",
    "said": "text, message",
    "tally": "accumulator",
    "told": "message, on_result",
    "walk": "processor, single pass, overlap-add",
    "walked": "processed",
    "walking": "processing",
    "walks": "processors",
    "whoever": "anyone, if",
    "whole": "entire, complete, atomic",
}
"""A retired word and the terms to use in its place."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
LIBRARIES = re.compile(r"\b(?:ast|os|Path|path)\.walk\b|from ast import .*\bwalk\b")
"""Names that other libraries gave."""


def retired_words(line: str) -> list[str]:
    """Return the retired words of a line, identifiers split at underscores and capitals."""
    return [word for word in map(str.lower, WORD.findall(LIBRARIES.sub("", line))) if word in TERMS]


def searched_files() -> Iterator[Path]:
    for name in SEARCHED:
        start = ROOT / name
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            inside = path.relative_to(ROOT)
            if path.suffix in SUFFIXES and path.is_file() and inside not in EXEMPT:
                yield inside
    yield from (path.relative_to(ROOT) for path in sorted((ROOT / ".ci").glob("*")) if not path.suffix)


def findings() -> list[tuple[str, int, str]]:
    """Return file, line number and word of every retired word in the repository."""
    return [
        (path.as_posix(), number, word)
        for path in searched_files()
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        for word in retired_words(line)
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("def whole_file(path):", ["whole"]),
        ("class SlidingWalk:", ["walk"]),
        ("TALLY = 1", ["tally"]),
        ("It LOOKS fine.", ["looks"]),
        ("saved_and_told_twice", ["told"]),
        ("HTMLLook", ["look"]),
        ("a lookup of wholesale overlooked talks", []),
        ("for node in ast.walk(tree):", []),
    ],
)
def test_a_retired_word_is_found_in_any_identifier(line: str, words: list[str]) -> None:
    assert retired_words(line) == words


def test_no_retired_word_is_left() -> None:
    found = [f"{path}:{number}: {word!r} is retired: use {TERMS[word]}" for path, number, word in findings()]
    assert not found, "\n".join(["docs/glossary.md has the terms.", *found])


if __name__ == "__main__":
    places = findings()
    if len(sys.argv) > 1:
        places = [place for place in places if place[0].startswith(tuple(sys.argv[1:]))]
        for path, number, word in places:
            line = (ROOT / path).read_text(encoding="utf-8").splitlines()[number - 1]
            print(f"{path}:{number}: {word}: {line.strip()}")
    else:
        for path, count in Counter(path for path, _, _ in places).most_common():
            print(f"{count:5} {path}")
    print(f"{len(places):5} in all")
