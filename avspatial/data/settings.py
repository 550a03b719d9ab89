"""Settings of the data sets and of augmentation; imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from avspatial.settings import Settings, setting

_Side = Annotated[int, Field(ge=1, le=8192)]


class Augmentation(Settings):
    """Random changes of a training window. The defaults change nothing.

    All images of a window are changed alike. MONO2BINAURAL: `store: [240, 480]`, brightness and colour 0.3.
    """

    flip: float = setting(0.0, ge=0, le=1)
    """Probability of mirroring a window: images are flipped left to right and the two channels exchanged."""
    brightness: float = setting(0.0, ge=0, le=1)
    """Brightness is multiplied by a factor drawn from 1 - b to 1 + b."""
    colour: float = setting(0.0, ge=0, le=1)
    """Saturation is multiplied by a factor drawn from 1 - c to 1 + c."""
    store: tuple[_Side, _Side] | None = setting(None, unit="pixels")
    """Height and width at which training images are stored; the model gets random crops of its own size. If empty,
    images are stored at the model's size and not cropped."""


class Screening(Settings):
    """What no direction can be learned from: such clips are left out, counted and named."""

    silence: float = setting(-60.0, unit="dBFS", le=0)
    """A clip is silent if the RMS of both channels is below this; a sample of 1 at all times would be 0 dBFS."""
    side: float = setting(30.0, unit="dB", ge=0)
    """A clip is mono if left - right is more than this below left + right."""
    dead: float = setting(40.0, unit="dB", ge=0)
    """A channel is dead if it is more than this below the other one."""
    still: float = setting(8.0, ge=0, le=255)
    """Images stand still if no part of them, 1/36 of their height, changes its brightness by this much, of 255."""


class TruthSettings(Settings):
    """True directions of real recordings: `truth: FILE.csv`, or `truth: {masks: FOLDER, field_of_view: 120}`."""

    csv: str | None = setting(None, min_length=1)
    """File with the columns clip,azimuth[,time][,energy]: the clip's id, degrees (positive left), seconds from its
    beginning, any measure of power. Rows of one clip and time are sources."""
    masks: str | None = setting(None, min_length=1)
    """Folder of masks of the sounding objects: `ID.png`, or `ID_*.png` with one object each. What is not black is the
    object."""
    field_of_view: float | None = setting(None, unit="degrees", gt=0, le=360)
    """Horizontal angle of the camera, for masks: below 180, or 360 for equirectangular pictures."""

    @model_validator(mode="before")
    @classmethod
    def _file(cls, value: Any) -> Any:
        return {"csv": str(value)} if isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _one_form(self) -> TruthSettings:
        if (self.csv is None) == (self.masks is None):
            raise ValueError("needs either csv or masks")
        if self.masks is not None and self.field_of_view is None:
            raise ValueError("masks need field_of_view, the horizontal angle of the camera")
        if self.csv is not None and self.field_of_view is not None:
            raise ValueError("field_of_view belongs to masks; a csv holds angles")
        if self.field_of_view is not None and 180 <= self.field_of_view < 360:
            raise ValueError("field_of_view must be below 180 degrees, or 360 for equirectangular pictures")
        return self


class _OrFile:
    """For editors: the file alone stands for the map."""

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


KnownTruth = Annotated[TruthSettings, _OrFile]
"""The setting `truth` of a data set of recordings."""


class FairPlaySettings(Settings):
    """FAIR-Play, or any data in its layout: `videos/ID.mp4`, `binaural_audios/ID.wav`, `splits/NAME/PART.h5|txt`."""

    example = {"root": "{scenes}"}

    root: str = setting(min_length=1)
    """Folder that contains `videos`, `binaural_audios` and `splits`."""
    split: Annotated[int, Field(ge=1)] | str = 1
    """Which split: 1 to 10 for `splits/split1` .., the name of a folder in `splits/`, `clean1` to `clean5` for the
    scene-disjoint splits of FAIR-Play, or the path of a folder with `train`, `val` and `test` lists."""
    pictures: Literal["videos", "frames"] = "videos"
    """Source of the images: `videos/ID.mp4`, or numbered files in `frames/ID.mp4/` or `frames/ID/`."""
    frames_fps: float = setting(10.0, unit="images/s", gt=0, le=120)
    """Rate at which the files of `frames/` were extracted."""
    length_tolerance: float = setting(1.0, unit="s", ge=0, le=3600)
    """Largest allowed difference between the lengths of a clip's audio and video."""
    overlap: Literal["refuse", "allow"] = "refuse"
    """Whether one clip may occur in two lists of a split. `allow` makes scores meaningless; use it only for trials."""
    truth: KnownTruth | None = None
    """True directions, if they are known: a csv file, or a map that names masks of the sounding objects."""


class FolderSettings(Settings):
    """Any stereo videos below a folder, with audio inside, or in an audio file of the same name next to them."""

    example = {"root": "{scenes}", "seconds": 0.5}

    root: str = setting(min_length=1)
    """Folder that contains the videos, in any folders."""
    seconds: float = setting(10.0, unit="s", ge=0.1, le=3600)
    """Length of a clip. The last one of a video may lack 2 % (0.1 s at most); a shorter rest is not used."""
    hop: float | None = setting(None, unit="s", ge=0.1, le=36000)
    """Step between the beginnings of two clips of a video. If empty, `seconds`: no overlap, no gap."""
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of train, val and test among the recordings; each gets at least one."""
    splits: str | None = setting(None, min_length=1)
    """A csv instead of shares, with the columns `file` (path below `root`) and `split`, and, if wanted, `start` and
    `end` (seconds) of a part of the file, and `recording`."""
    length_tolerance: float = setting(1.0, unit="s", ge=0, le=3600)
    """Largest allowed difference between the lengths of a video's audio and images."""
    screening: Screening = Screening()
    """What is left out because nothing can be learned from it."""
    truth: KnownTruth | None = None
    """True directions, for `left_right` and `azimuth_error`: a csv, or `{masks: FOLDER, field_of_view: 90}`."""

    @field_validator("shares")
    @classmethod
    def _valid_shares(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        return check_shares(value)


class SolosSettings(Settings):
    """A folder of videos of one instrument each, with an audio file for each; several channels are averaged to mono."""

    example = {"root": "{solos}"}

    root: str = setting(min_length=1)
    """Folder that contains `INSTRUMENT/NAME.mp4` with `INSTRUMENT/NAME.wav`, or the files themselves."""
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of train, val and test among the videos; each gets at least one."""
    length_tolerance: float = setting(1.0, unit="s", ge=0, le=3600)
    """Largest allowed difference between the lengths of a clip's audio and video."""

    @field_validator("shares")
    @classmethod
    def _valid_shares(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        return check_shares(value)


def check_shares(value: tuple[float, float, float]) -> tuple[float, float, float]:
    """Shares of three splits; ValueError unless they are above 0 and add up to 1."""
    if min(value) <= 0 or abs(sum(value) - 1) > 1e-6:
        raise ValueError(f"train, val and test must be above 0 and add up to 1, not {list(value)}")
    return value
