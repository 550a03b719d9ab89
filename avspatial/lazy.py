"""Names of packages that are imported on first use: settings are checked without torch, scores without h5py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def lazy_names(package: str) -> Callable[[str], Any]:
    """The `__getattr__` of a package that offers what it imports under `if TYPE_CHECKING:`, each name on first use.

    What the package imports from itself is a module of it. Type checkers read those imports too, so that the module of
    a name is written once.
    """

    @cache
    def modules() -> dict[str, str]:
        import ast
        import inspect

        blocks = (node for node in ast.parse(inspect.getsource(sys.modules[package])).body if isinstance(node, ast.If))
        imports = (node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom))
        return {alias.name: str(node.module) for node in imports for alias in node.names}

    def attribute(name: str) -> Any:
        if name.startswith("__") or name not in modules():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if modules()[name] == package:
            return import_module(f"{package}.{name}")
        return getattr(import_module(modules()[name]), name)

    return attribute
