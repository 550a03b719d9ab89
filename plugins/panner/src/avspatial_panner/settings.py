"""Settings of the panner. No torch here: recipes are checked without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from avspatial.settings import Settings, setting


class PannerSettings(Settings):
    """Direction of the sound and the head model that renders it."""

    azimuth: float | None = setting(None, unit="degrees", ge=-180, le=180)
    """A fixed angle instead of a track; positive is left."""
    track: Literal["motion"] | Path | None = None
    """`motion`: follow what moves in the images in time with the audio; the default if there is no `azimuth`. Or a file
    of angles over time: csv with the columns time,azimuth, or WebVTT with cues such as `azimuth: 30.0`."""
    field_of_view: float = setting(90.0, unit="degrees", gt=0, lt=180)
    """The camera's horizontal angle of view, for `motion`."""
    head: Literal["spherical", "kemar"] | Path = "spherical"
    """`spherical`, `kemar` (MIT KEMAR, Gardner and Martin 1994), or a SOFA file of head-related impulse responses."""
    limit: float = setting(4.0, ge=1, le=100)
    """Largest absolute value of the mask, difference over mixture. The two ears of a head nearly cancel in their sum at
    some frequencies; there an unbounded ratio would give a whistling sound."""

    @model_validator(mode="before")
    @classmethod
    def _one_of_the_two(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        azimuth, track = given.get("azimuth"), given.get("track")
        if azimuth is not None and track is not None:
            raise ValueError("give either azimuth or track; the other is null")
        return {**given, "track": "motion"} if azimuth is None and track is None else given
