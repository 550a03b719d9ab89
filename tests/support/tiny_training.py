"""A training small enough for a test: the real networks at 1/32 of their width, windows made from numbers.

Also a program, for the tests that need processes of their own: see `test_resume.py` and `test_devices.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avspatial.builtin import avspatial_components
from avspatial.framing import Framing, Stft, Window
from avspatial.interfaces import Batch, Spatializer, Trainer
from avspatial.runs.directory import Run
from avspatial.settings import Selected, Settings
from avspatial.training.settings import SharedVisualGanSettings, SupervisedSettings

FRAMING = Framing(
    window=Window(seconds=0.064, rate=8000, pictures=4, picture=(32, 32)), stft=Stft(n_fft=64, window=64, hop=16)
)


class BuiltIn:
    """Builds and validates with the package's own declarations alone."""

    def get(self, kind: str, name: str) -> Any:
        return _Entry(next(c for c in avspatial_components() if (c.kind, c.name) == (kind, name)))

    def build(self, selected: Selected, **context: Any) -> Any:
        return _load(self.get(selected.kind, selected.id).component.target)(selected.settings, **context)


@dataclass
class _Entry:
    component: Any

    @property
    def id(self) -> str:
        return str(self.component.name)

    @property
    def version(self) -> str:
        return str(self.component.version)

    def settings_class(self) -> type[Settings]:
        found: type[Settings] = _load(self.component.config)
        return found


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def spatializer(*, seed: int = 0, pictures: bool = True, width: float = 1 / 32) -> Spatializer:
    torch.manual_seed(seed)
    entry = BuiltIn().get("spatializer", "masking")
    encoder = {"use": "c3d", "pretrained": False, "width": width} if pictures else None
    plain = {
        "visual_encoder": encoder,
        "audio_encoder": {"use": "unet", "width": width},
        "mask_generator": {"use": "unet"},
    }
    settings = entry.settings_class().model_validate(plain, context={"registry": BuiltIn()})
    return BuiltIn().build(  # type: ignore[no-any-return]
        Selected("spatializer", "masking", "1", settings), framing=FRAMING, builder=BuiltIn()
    )


def gan_settings(*, blind: bool = False, **values: Any) -> SharedVisualGanSettings:
    plain = {"discriminator": {"use": "visual_patch", "width": 1 / 32, "visual": not blind}, "batch_size": 4, **values}
    return SharedVisualGanSettings.model_validate(plain, context={"registry": BuiltIn()})


def supervised_settings(**values: Any) -> SupervisedSettings:
    return SupervisedSettings.model_validate({"batch_size": 4, **values})


def trainer(settings: Any, *, seed: int = 0, **spatial: Any) -> Trainer:
    name = "supervised" if isinstance(settings, SupervisedSettings) else "shared_visual_gan"
    model = spatializer(seed=seed, **spatial)
    return BuiltIn().build(  # type: ignore[no-any-return]
        Selected("trainer", name, "1", settings), spatializer=model, builder=BuiltIn()
    )


class Scenes:
    """Windows of noise with images of a bright bar: a bar on the left means that the left channel is the louder one."""

    mixture_rms = 0.17

    def __init__(self, clips: int = 6, seed: int = 0) -> None:
        self.clips, self.seed = clips, seed

    def __len__(self) -> int:
        return self.clips

    def order(self, epoch: int) -> Sequence[int]:
        generator = torch.Generator().manual_seed(self.seed * 1000 + epoch)
        return torch.randperm(self.clips, generator=generator).tolist()

    def batch(self, epoch: int, indices: Sequence[int]) -> Batch:
        windows = [self._window(epoch, index) for index in indices]
        return Batch(*(torch.stack(parts) for parts in zip(*windows, strict=True)))

    def _window(self, epoch: int, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed((self.seed * 1000 + epoch) * 1000 + index)
        mixture = 0.17 * torch.randn(FRAMING.samples, generator=generator)
        side = 1 if index % 2 else -1
        images = torch.zeros(4, 3, 32, 32)
        images[..., :16] += 0.9 * (side > 0)
        images[..., 16:] += 0.9 * (side < 0)
        stereo = torch.stack([mixture * (1 + 0.6 * side) / 2, mixture * (1 - 0.6 * side) / 2])
        return mixture, stereo, images


def run_in(folder: Path) -> Run:
    """A run directory, as far as training uses one."""
    folder.mkdir(exist_ok=True)
    return Run(folder)


def records(run: Run, event: str) -> list[dict[str, Any]]:
    return [record for record in run.records() if record["event"] == event]
