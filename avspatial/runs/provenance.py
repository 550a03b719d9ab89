"""Provenance of a run: versions, git commit, plugins, machine. Written to run.json; no computation reads it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from avspatial.cores import usable_cores
from avspatial.registry import Plugin
from avspatial.version import __version__

LIBRARIES = (
    "torch",
    "torchvision",
    "torchaudio",
    "timm",
    "numpy",
    "scipy",
    "av",
    "soundfile",
    "soxr",
    "h5py",
    "accelerate",
    "safetensors",
    "pydantic",
    "pluggy",
    "ruamel.yaml",
)


def provenance(plugins: Iterable[Plugin], *, device: str = "cpu", data: str = "") -> dict[str, Any]:
    """The provenance in run.json, of the loaded plugins, the torch device, and the data set's fingerprint."""
    return {
        "command": sys.argv,
        "versions": versions(),
        "git": git_commit(),
        "plugins": [plugin.to_dict() for plugin in plugins],
        "hardware": hardware(device),
        "data": data,
    }


def versions() -> dict[str, str]:
    """Versions of avspatial, Python and the libraries that results depend on; "missing" if one is not installed."""
    return {
        "avspatial": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def git_commit() -> dict[str, Any] | None:
    """Commit of the checkout that avspatial runs from, and whether files changed since; None outside a checkout."""
    package = Path(__file__).parents[1]
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return {
        "commit": (_git(package, "rev-parse", "HEAD") or "").strip(),
        "changed": bool(_git(package, "status", "--porcelain", "--untracked-files=no", ".")),
    }


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(("git", "-C", str(folder), *arguments), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def hardware(device: str = "cpu") -> dict[str, Any]:
    """Platform, processor, usable cores, memory in GiB, and the name of the accelerator if the device is one."""
    facts = {
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gib": _memory_gib(),
        "device": device,
    }
    if device.startswith("cuda"):
        import torch

        facts["accelerator"] = torch.cuda.get_device_name(device)
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
