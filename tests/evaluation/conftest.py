"""What the tests of the evaluation share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `saved_sounds`

from saved_sounds import save_official


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Four clips in the official layout."""
    return save_official(tmp_path / "outputs")
