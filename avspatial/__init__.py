"""avspatial: video with mono sound in, video with binaural sound out, guided by the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avspatial.version import __version__

__all__ = ["__version__", "load", "run"]

if TYPE_CHECKING:
    from avspatial.runner import load, run


def __getattr__(name: str) -> Any:
    """`avspatial.run` and `avspatial.load`, imported on first use: importing avspatial costs nothing."""
    if name in {"run", "load"}:
        from avspatial import runner

        return getattr(runner, name)
    raise AttributeError(f"module 'avspatial' has no attribute {name!r}")
