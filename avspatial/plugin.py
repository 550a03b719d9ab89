"""What a plugin declares: its components and its hooks. Imports neither torch nor pydantic.

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

__all__ = ["KINDS", "PROJECT", "Component", "Hooks", "hookimpl", "hookspec"]

PROJECT = "avspatial"
"""Name of the pluggy project and of the entry point group."""

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
"""The kinds of component."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Component:
    """The declaration of one component that a recipe can name.

    Args:
        kind: One of `KINDS`.
        name: Lower case letters, digits and underscores; the component's id is `plugin.name`.
        version: Version, to be raised whenever the same weights or the same input would give other numbers.
        config: "module:Class" of its settings, a subclass of `avspatial.settings.Settings`. The module must not import
            torch.
        target: "module:Class" of the component itself, a subclass of its kind's class in `avspatial.interfaces`;
            imported on first use.
        summary: One line for `avspatial plugins list`.
    """

    kind: str
    name: str
    version: str
    config: str
    target: str
    summary: str


class Hooks:
    """The hooks that avspatial calls; a plugin implements them as functions marked `@hookimpl`."""

    @hookspec
    def avspatial_components(self) -> Iterable[Component]:  # type: ignore[empty-body]
        """Return the components that this plugin offers.

        Returns:
            A list of `Component`.
        """

    @hookspec
    def avspatial_record(self, run: str, record: Mapping[str, object]) -> None:
        """Observe a run. Must return nothing.

        Args:
            run: Path of the run directory.
            record: The record that was just written to the run's `log.jsonl`.
        """
