"""An environment outside the repository, with the built wheel of avspatial."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outside:
    """A folder outside the repository, the wheel, and an environment with nothing of the repository but the wheel."""

    folder: Path
    wheel: Path

    @property
    def bin(self) -> Path:
        return self.folder / "environment" / "bin"

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a command of that environment and return what it prints; AssertionError with its output if it fails."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AVSPATIAL_", "PYTHON"))}
        changed = {"PATH": f"{self.bin}{os.pathsep}{kept['PATH']}", "AVSPATIAL_CACHE": str(self.folder / "cache")}
        done = subprocess.run(
            command, cwd=cwd or self.folder, env=kept | changed, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout
