"""What can be said about simulated scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from avspatial.settings import Settings, setting

FAMILIES = ("plucked", "blown", "bar", "drum", "voice")
"""The built-in families of sounds, each with its own sprite."""

Family = Literal["plucked", "blown", "bar", "drum", "voice"]


class SimulatedSettings(Settings):
    """Scenes with known angles. Same settings, same scenes; more clips leave the earlier ones as they are."""

    root: Path | None = None
    """Folder that holds the scenes, made on first use; by default one in the cache, named after these settings."""
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
    """Fewest and most silent things in the picture, 0 to 6."""
    silent_instruments: float = setting(0.0, ge=0, le=1)
    """Share of distractors that look like instruments and keep still; the others are pieces of furniture."""
    moving: float = setting(0.5, ge=0, le=1)
    """Share of sources that move."""
    speed: float = setting(40.0, unit="degrees/s", gt=0, le=180)
    """Highest speed of a moving source."""
    azimuth_limit: float = setting(55.0, unit="degrees", gt=0, le=80)
    """Sources stay within plus and minus this azimuth; it must lie in the camera's view."""
    distance: tuple[float, float] = setting((1.0, 2.0), unit="m")
    """Nearest and farthest source."""
    families: tuple[Family, ...] = setting(FAMILIES, min_length=1)
    """The sounds to use, as long as no folder `sounds` is given."""
    sounds: Path | None = None
    """A folder of dry mono files (wav, flac), `FAMILY.wav` or `FAMILY/*.wav`, instead of the built-in sounds."""
    cutouts: Path | None = None
    """A folder of cut-out pictures with transparency, `FAMILY.png`, instead of the built-in sprites."""
    head: Literal["spherical"] | Path = "spherical"
    """`spherical`, or a SOFA file of measured head-related impulse responses."""
    field_of_view: float = setting(120.0, unit="degrees", ge=20, le=160)
    """The camera's horizontal angle of view."""
    picture: tuple[int, int] = setting((144, 256), unit="pixels")
    """Height and width of the video; even numbers."""
    fps: float = setting(10.0, unit="pictures/s", gt=0, le=60)
    """Rate of the video."""
    background: Literal["plain", "textured"] = "textured"
    """One dim colour, or a dim texture."""
    brightness: float = setting(0.15, ge=0, le=0.5)
    """How far the brightness of the picture sways to either side of 1."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if 2 * self.azimuth_limit >= self.field_of_view:
            raise ValueError(
                f"azimuth_limit: {self.azimuth_limit:g} degrees lies outside the view of a camera with a "
                f"field_of_view of {self.field_of_view:g}; it must be less than half of it"
            )
        ranges = {"sources": (1, 3), "distractors": (0, 6), "distance": (0.25, 20.0)}
        for name, (lowest, highest) in ranges.items():
            low, high = getattr(self, name)
            if not lowest <= low <= high <= highest:
                raise ValueError(
                    f"{name}: needs [least, most] within {lowest:g} and {highest:g}, not [{low:g}, {high:g}]"
                )
        if min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(f"shares: train, val and test must be above 0 and add up to 1, not {list(self.shares)}")
        if any(side % 2 or not 32 <= side <= 2160 for side in self.picture):
            raise ValueError(f"picture: height and width must be even and within 32 and 2160, not {list(self.picture)}")
        return self
