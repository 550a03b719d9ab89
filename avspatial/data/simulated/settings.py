"""Settings of simulated scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationInfo, field_validator

from avspatial.data.settings import check_shares
from avspatial.settings import Settings, setting

FAMILIES = ("plucked", "blown", "bar", "drum", "voice")
"""The built-in families of sounds, each with its own sprite."""

Family = Literal["plucked", "blown", "bar", "drum", "voice"]

_RANGES = {"sources": (1, 3), "distractors": (0, 6), "distance": (0.25, 20)}


class SimulatedSettings(Settings):
    """Scenes with known angles. The same settings give the same scenes; a larger `clips` only adds scenes."""

    example = {"root": "{folder}", "clips": 6, "seconds": 0.5, "picture": [32, 64]}

    root: Path | None = None
    """Folder of the scenes, created on first use. If empty, a folder in the cache, named after these settings."""
    clips: int = setting(150, ge=6, le=100_000)
    """Scenes in all three splits together."""
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2)
    """Shares of train, val and test among the clips; each gets at least two."""
    seconds: float = setting(4.0, unit="s", ge=0.5, le=60)
    """Length of a scene."""
    seed: int = setting(0, ge=0, lt=2**31)
    """Seed of every choice."""
    sources: tuple[int, int] = (1, 2)
    """Fewest and most sounding sources of a scene, 1 to 3."""
    distractors: tuple[int, int] = (0, 1)
    """Fewest and most silent objects in the image, 0 to 6."""
    silent_instruments: float = setting(0.0, ge=0, le=1)
    """Share of distractors with an instrument's sprite, silent and still; the others are pieces of furniture."""
    moving: float = setting(0.5, ge=0, le=1)
    """Share of sources that move."""
    speed: float = setting(40.0, unit="degrees/s", gt=0, le=180)
    """Highest speed of a moving source."""
    azimuth_limit: float = setting(55.0, unit="degrees", gt=0, le=80)
    """Sources stay within plus and minus this azimuth; it must lie in the camera's view."""
    distance: tuple[float, float] = setting((1.0, 2.0), unit="m")
    """Nearest and farthest source."""
    families: tuple[Family, ...] = setting(FAMILIES, min_length=1)
    """Families of built-in sounds to use; without effect if `sounds` names a folder."""
    sounds: Path | None = None
    """A folder of dry mono files (wav, flac), `FAMILY.wav` or `FAMILY/*.wav`, instead of the built-in sounds."""
    cutouts: Path | None = None
    """A folder of cut-out images with transparency, `FAMILY.png`, instead of the built-in sprites."""
    head: Literal["spherical", "kemar"] | Path = "spherical"
    """`spherical`, `kemar` (MIT KEMAR, Gardner and Martin 1994), or a SOFA file of head-related impulse responses."""
    field_of_view: float = setting(120.0, unit="degrees", ge=20, le=160, validate_default=True)
    """The camera's horizontal angle of view."""
    picture: tuple[int, int] = setting((144, 256), unit="pixels")
    """Height and width of the video; even numbers."""
    fps: float = setting(10.0, unit="images/s", gt=0, le=60)
    """Rate of the video."""
    background: Literal["plain", "textured"] = "textured"
    """One dim colour, or a dim texture."""
    brightness: float = setting(0.15, ge=0, le=0.5)
    """Largest change of the images' brightness factor, up or down from 1."""
    solos: bool = False
    """Render solos instead: one source per clip, its dry audio in mono, in the layout of the data set `solos`. They
    serve to learn separation. Needs `sources: [1, 1]`."""

    @field_validator("sources", "distractors", "distance")
    @classmethod
    def _range(cls, value: tuple[float, float], info: ValidationInfo) -> tuple[float, float]:
        lowest, highest = _RANGES[str(info.field_name)]
        if not lowest <= value[0] <= value[1] <= highest:
            raise ValueError(f"needs [least, most] within {lowest} and {highest}, not [{value[0]:g}, {value[1]:g}]")
        return value

    @field_validator("solos")
    @classmethod
    def _alone(cls, value: bool, info: ValidationInfo) -> bool:
        sources = info.data.get("sources", (1, 1))
        if value and sources != (1, 1):
            raise ValueError(f"a solo has one source: set sources [1, 1], not {list(sources)}")
        return value

    @field_validator("shares")
    @classmethod
    def _valid_shares(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        return check_shares(value)

    @field_validator("picture")
    @classmethod
    def _even(cls, value: tuple[int, int]) -> tuple[int, int]:
        if any(side % 2 or not 32 <= side <= 2160 for side in value):
            raise ValueError(f"height and width must be even and within 32 and 2160, not {list(value)}")
        return value

    @field_validator("field_of_view")
    @classmethod
    def _in_view(cls, value: float, info: ValidationInfo) -> float:
        limit = info.data.get("azimuth_limit", 0)
        if 2 * limit >= value:
            raise ValueError(f"must be more than twice azimuth_limit ({limit:g} degrees), not {value:g}")
        return value
