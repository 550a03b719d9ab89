"""A trained model as one file: weights, resolved recipe, components, and a hash over all of it (safetensors)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from avspatial.atomic import atomic_write
from avspatial.contents import NOT_OPENED, foreign_contents
from avspatial.errors import RunError
from avspatial.folders import refuse_undecodable
from avspatial.version import __version__

SUFFIX = ".safetensors"
_KEY, _FORMAT = "avspatial", 1
_FETCH = "Fetch it again, or export it again: avspatial export RUN -o FILE.safetensors."
_FIX = "Export it again: avspatial export RUN -o FILE.safetensors."


@dataclass(frozen=True)
class ModelFile:
    """What the file holds: the resolved recipe as YAML, id@version of each component, and the weights by name."""

    recipe: str
    components: Mapping[str, str]
    weights: Mapping[str, Tensor]

    @property
    def digest(self) -> str:
        """SHA-256 over recipe, components, and every tensor's name, type, shape and bytes, hexadecimal."""
        digest = hashlib.sha256(json.dumps([self.recipe, dict(sorted(self.components.items()))]).encode())
        for name, value in sorted(self.weights.items()):
            digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def write_model_file(path: Path, model: ModelFile) -> None:
    """Write the file, completely or not at all. Raises OSError if the file system refuses, DataError for a name that is
    not in UTF-8."""
    facts = {
        "format": _FORMAT,
        "avspatial": __version__,
        "recipe": model.recipe,
        "components": dict(model.components),
        "sha256": model.digest,
    }
    refuse_undecodable(path)
    plain = {name: value.detach().cpu().contiguous() for name, value in model.weights.items()}
    with atomic_write(path) as temporary_path:
        save_file(plain, temporary_path, {_KEY: json.dumps(facts, allow_nan=False)})


def read_model_file(path: Path) -> ModelFile:
    """Read the file and check its hash; RunError if it is missing, damaged or not a model file."""
    if not path.is_file():
        what = "this is no regular file" if path.exists() else "no such file"
        raise RunError(what, where=path, fix="Give a run directory, or a file written by `avspatial export`.")
    refuse_undecodable(path)
    instead = foreign_contents(path) or _incomplete(path)
    if instead:
        fix = "Allow reading it, or copy it." if instead.startswith(NOT_OPENED) else _FETCH
        raise RunError(instead, where=path, fix=fix)
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {}).get(_KEY, "null"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - the handle is no dict
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"not a readable safetensors file ({error})", where=path, fix=_FIX) from error
    if not isinstance(facts, dict):
        raise RunError("the file holds only weights, without their recipe", where=path, fix=_FIX)
    if facts.get("format") != _FORMAT:
        made = f"by avspatial {facts.get('avspatial')}"
        raise RunError(f"a model file of format {facts.get('format')}, made {made}", where=path, fix=_FIX)
    recipe, used = facts.get("recipe"), facts.get("components")
    if not isinstance(recipe, str) or not isinstance(used, dict):
        raise RunError("damaged: it does not state its recipe and components", where=path, fix=_FIX)
    model = ModelFile(recipe, used, weights)
    if model.digest != facts.get("sha256"):
        raise RunError("damaged: its contents do not match its hash", where=path, fix=_FIX)
    return model


def _incomplete(path: Path) -> str:
    """Whether the file ends before what its header announces; empty for any other file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        needed = 8 + int.from_bytes(file.read(8), "little")
        if needed <= size:
            with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
                parts = json.loads(file.read(needed - 8))
                ends = [part["data_offsets"][1] for name, part in parts.items() if name != "__metadata__"]
                needed += max(ends, default=0)
        elif file.read(1) != b"{":
            return ""
    return f"incomplete: {size} bytes of at least {needed}" if size < needed else ""
