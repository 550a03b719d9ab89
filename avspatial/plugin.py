"""What a plugin declares. This module is the whole of the light half: it imports neither torch nor pydantic.

A plugin is a module with one function:

    from avspatial.plugin import Component, hookimpl

    @hookimpl
    def avspatial_components():
        return [Component(kind="visual_encoder", name="mine", version="1",
                          config="avspatial_mine.settings:MySettings", target="avspatial_mine.encoder:MyEncoder",
                          summary="One line for `avspatial plugins list`.")]

and one line in its pyproject.toml, `[project.entry-points.avspatial]`, `mine = "avspatial_mine"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pluggy

PROJECT = "avspatial"

KINDS = (
    "visual_encoder",
    "audio_encoder",
    "mask_generator",
    "discriminator",
    "metric",
    "spatializer",
    "trainer",
    "dataset",
)

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Component:
    """One thing a recipe can name.

    kind     one of `KINDS`
    name     lower case letters, digits and underscores; with the plugin's name it forms the id `plugin.name`
    version  changes whenever the same weights or the same input would give other numbers
    config   "module:Class" of its settings, an `avspatial.settings.Settings`; that module imports no torch
    target   "module:Class" of the thing itself; imported on first use
    summary  one line
    """

    kind: str
    name: str
    version: str
    config: str
    target: str
    summary: str


class Hooks:
    """The hooks that avspatial calls."""

    @hookspec
    def avspatial_components(self) -> Iterable[Component]:  # type: ignore[empty-body]
        """Return the components that this plugin offers."""

    @hookspec
    def avspatial_record(self, run: str, record: Mapping[str, object]) -> None:
        """Watch a run: called with each record as it is written to `log.jsonl`. Must return nothing."""
