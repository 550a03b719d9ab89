"""Check versions, devices, media libraries, data folders and plugins."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import typer

from avspatial.cli.options import AsJson
from avspatial.cli.table import columns, print_json
from avspatial.errors import reason
from avspatial.registry import discover

app = typer.Typer(rich_markup_mode=None, add_completion=False)
MIN_FREE = 2**30


@dataclass(frozen=True)
class Finding:
    """One finding. `note` is harmless: something optional is missing, or a plugin has side effects."""

    part: str
    state: Literal["ok", "note", "broken"]
    what: str


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check versions, devices, media libraries, data folders, the cache and plugins; exit 1 if something is broken."""
    findings = [*_versions(), *_devices(), *_media(), *_data(), *_cache(), *_plugins()]
    broken = sum(finding.state == "broken" for finding in findings)
    if as_json:
        print_json({"broken": broken, "findings": [asdict(finding) for finding in findings]})
    else:
        print(columns([(finding.state, finding.part, finding.what) for finding in findings]))
        print(f"{broken} broken" if broken else "nothing is broken")
    if broken:
        raise typer.Exit(1)


def _versions() -> Iterator[Finding]:
    from avspatial.runs.provenance import git_commit, versions

    for name, version in versions().items():
        if version == "missing":
            yield Finding(name, "broken", "not installed; install avspatial again with pip")
        else:
            yield Finding(name, "ok", version)
    git = git_commit()
    if git:
        yield Finding("git", "ok", git["commit"] + (" with changes" if git["changed"] else ""))


def _devices() -> Iterator[Finding]:
    from avspatial.runs.provenance import hardware

    facts = hardware()
    yield Finding("cpu", "ok", f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB")
    try:
        import torch
    except Exception as error:
        yield Finding("devices", "broken", f"torch cannot be imported: {error}")
        return
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        yield Finding(f"cuda:{index}", "ok", f"{device.name}, {device.total_memory / 2**30:.1f} GiB")
    if not torch.cuda.is_available():
        yield Finding("cuda", "note", "no CUDA device; everything runs on the CPU")
    if torch.backends.mps.is_available():
        yield Finding("mps", "ok", "Apple GPU")


def _media() -> Iterator[Finding]:
    for name, attribute in (
        ("av", "library_versions"),
        ("soundfile", "__libsndfile_version__"),
        ("soxr", "__version__"),
    ):
        try:
            value = getattr(importlib.import_module(name), attribute)
        except Exception as error:
            yield Finding(name, "broken", f"cannot be imported: {error}")
            continue
        for library, version in value.items() if isinstance(value, dict) else [(name, value)]:
            shown = ".".join(map(str, version)) if isinstance(version, tuple) else str(version)
            yield Finding(f"library {library}", "ok", shown)


def _data() -> Iterator[Finding]:
    root = os.environ.get("AVSPATIAL_DATA", "")
    if not root:
        yield Finding("data", "note", "AVSPATIAL_DATA is not set; it names the folder that holds FAIR-Play")
    elif not Path(root).is_dir():
        yield Finding("data", "broken", f"AVSPATIAL_DATA names {root}, which is not a folder")
    else:
        sets = sorted(path.name for path in Path(root).iterdir() if path.is_dir())
        yield Finding("data", "ok", f"{root}: {', '.join(sets) or 'empty'}")


def _cache() -> Iterator[Finding]:
    from avspatial.data.clip_cache import cache_root

    root = cache_root()
    nearest = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        what = f"{root} cannot be written ({reason(error)}); set AVSPATIAL_CACHE to a folder that can"
        if (root / "clips").is_dir():
            yield Finding("cache", "note", f"{what}, or let it be: clips that are in it are read")
        else:
            yield Finding("cache", "broken", what)
        return
    free = shutil.disk_usage(nearest).free
    state: Literal["ok", "note"] = "ok" if free >= MIN_FREE else "note"
    yield Finding("cache", state, f"{root}, {free / 2**30:.1f} GiB free")


def _plugins() -> Iterator[Finding]:
    registry = discover()
    registry.validate()
    for plugin in registry.plugins:
        yield Finding("plugin", "ok", " ".join(filter(None, (plugin.name, plugin.version, f"({plugin.origin})"))))
    for failure in registry.failures:
        yield Finding("plugin", "broken", str(failure))
    for warning in registry.warnings:
        yield Finding("plugin", "note", str(warning))
