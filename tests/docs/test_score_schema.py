"""docs/score_schema.md lists the keys that the types have."""

from __future__ import annotations

import importlib.util

from support.pages import ROOT


def test_the_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "scripts" / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    path, text = generate._page("score_schema.md", score_types=generate.score_types)
    assert path.read_text(encoding="utf-8") == text, "run docs/scripts/generate.py"
