"""What is checked: one component, its example settings, and a folder that the check may fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.framing import Framing, Window
from avspatial.progress import silent
from avspatial.registry import Entry, Registry
from avspatial.settings import Selected, Settings

PICTURES = ((64, 64), (64, 96))
"""Height and width of the pictures that networks are shown."""
FRAMING = Framing(window=Window(picture=PICTURES[0]))
"""The paper's window and spectrogram, with smaller pictures."""


@dataclass(frozen=True)
class ComponentUnderTest:
    """A component under check. `raw_settings` are the settings to build it with, before validation.

    `folder` belongs to one check alone; what all checks of the component share lies beside it.
    """

    entry: Entry
    registry: Registry
    raw_settings: Mapping[str, Any]
    framing: Framing
    folder: Path

    @cached_property
    def settings(self) -> Any:
        """The settings, validated; pydantic's ValidationError if they are no example."""
        return self._valid(self.entry, self.raw_settings)

    def build(self, seed: int = 0, **context: Any) -> Any:
        """The component, constructed as the registry does it, with torch seeded."""
        torch.manual_seed(seed)
        return self.entry.target_class()(self.settings, **context)

    def example_spatializer(self) -> Any:
        """The spatializer that a trainer is given to teach: the one it names, with that one's example settings."""
        entry = self.registry.get("spatializer", self.settings.example_spatializer)
        settings = self._valid(entry, entry.settings_class().example)
        chosen = Selected(entry.kind, entry.id, entry.version, settings)
        return self.registry.build(chosen, framing=self.framing, builder=self.registry)

    def _valid(self, entry: Entry, raw_settings: Mapping[str, Any]) -> Settings:
        filled = {key: self._filled(item) for key, item in raw_settings.items()}
        return entry.settings_class().model_validate(filled, context={"registry": self.registry})

    def _filled(self, item: Any) -> Any:
        """A setting, its placeholder replaced by what that stands for."""
        if item == "{folder}":
            return str(self.folder / "empty")
        if item in ("{scenes}", "{solos}"):
            return self._rendered(item.strip("{}"))
        return item

    def _rendered(self, what: str) -> str:
        root = self.folder.parent / what
        settings = SimulatedSettings(root=root, clips=6, seconds=0.5, picture=(32, 64))
        if what == "solos":
            settings = settings.model_copy(update={"sources": (1, 1), "solos": True})
        SimulatedScenes(settings, progress=silent).prepare()
        return str(root)
