"""Component under test: its registry entry, example settings and a folder for its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.framing import Framing, Window
from avspatial.media.audio import write_wav
from avspatial.media.video import write_video
from avspatial.progress import silent
from avspatial.registry import Entry, Registry
from avspatial.settings import Selected, Settings
from avspatial.signal.ambisonics import encode

IMAGE_SIZES = ((64, 64), (64, 96))
"""Height and width of the images that networks are tested with."""
FRAMING = Framing(window=Window(picture=IMAGE_SIZES[0]))
"""The paper's window and spectrogram, with smaller images."""


@dataclass(frozen=True)
class ComponentUnderTest:
    """A component under test.

    `raw_settings` are the settings to build it with, before validation. `folder` belongs to a single check; its parent
    holds what all checks of the component share.
    """

    entry: Entry
    registry: Registry
    raw_settings: Mapping[str, Any]
    framing: Framing
    folder: Path

    @cached_property
    def settings(self) -> Any:
        """The validated settings; pydantic's ValidationError if they are invalid."""
        return self._validated(self.entry, self.raw_settings)

    def build(self, seed: int = 0, **context: Any) -> Any:
        """Construct the component as the registry does, with torch seeded."""
        torch.manual_seed(seed)
        return self.entry.target_class()(self.settings, **context)

    def example_spatializer(self) -> Any:
        """Build the spatializer that the trainer's settings name, with its own example settings."""
        entry = self.registry.get("spatializer", self.settings.example_spatializer)
        settings = self._validated(entry, entry.settings_class().example)
        chosen = Selected(entry.kind, entry.id, entry.version, settings)
        return self.registry.build(chosen, framing=self.framing, builder=self.registry)

    def _validated(self, entry: Entry, raw_settings: Mapping[str, Any]) -> Settings:
        filled = {key: self._filled(item) for key, item in raw_settings.items()}
        return entry.settings_class().model_validate(filled, context={"registry": self.registry})

    def _filled(self, item: Any) -> Any:
        """Replace the placeholder of a setting by a folder."""
        if item == "{folder}":
            return str(self.folder / "empty")
        if item in ("{scenes}", "{solos}"):
            return self._rendered_scenes(item.strip("{}"))
        if item == "{recordings}":
            return self._recordings()
        return item

    def _rendered_scenes(self, name: str) -> str:
        root = self.folder.parent / name
        settings = SimulatedSettings(root=root, clips=6, seconds=0.5, picture=(32, 64))
        if name == "solos":
            settings = settings.model_copy(update={"sources": (1, 1), "solos": True})
        SimulatedScenes(settings, progress=silent).prepare()
        return str(root)

    def _recordings(self) -> str:
        """Six 360-degree recordings of noise from one direction each, in a diffuse field."""
        root = self.folder.parent / "recordings"
        random = np.random.default_rng(0)
        for number in range(6):
            dry, diffuse = random.uniform(-0.1, 0.1, 8000), random.uniform(-0.01, 0.01, (4, 8000))
            write_wav(root / f"{number}.wav", encode(dry, 50 * number - 120) + diffuse, 16000)
            write_video(root / f"{number}.mp4", np.full((5, 32, 64, 3), 40 * number, np.uint8), fps=10)
        return str(root)
