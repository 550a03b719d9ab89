"""The fenced blocks of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Block:
    """A fenced block: language, the file it is to be, its text, its line in the page, and why it is not run."""

    language: str
    file: str
    text: str
    line: int
    reason: str | None


FENCE = re.compile(
    r"(?:^<!-- not run: *(?P<reason>.*?) *-->\n)?"
    r'^```(?P<language>\w*)(?: title="(?P<file>[^"\n]+)")?\n(?P<text>.*?)^```$',
    re.M | re.S,
)


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["file"] or "",
            found["text"],
            text.count("\n", 0, found.start("text")) + 1,
            found["reason"],
        )
        for found in FENCE.finditer(text)
    ]
