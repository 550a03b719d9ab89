"""Settings of 360-degree video with first-order ambisonic audio; imports neither torch nor scipy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from avspatial.data.settings import KnownTruth, Screening, TruthSettings, check_shares
from avspatial.settings import Settings, setting

_Side = Annotated[int, Field(ge=16, le=8192)]
_BELONGS = {
    "layout": ("virtual",),
    "weighting": ("virtual",),
    "resample": ("projection8_cipic3",),
    "head": ("magls", "virtual", "projection8_cipic3"),
}
"""The renderers that have each key of `Renderer`."""


class Foa(Settings):
    """Channels of four-channel files. Those of REC-Street's .mov files are `order: fuma, normalization: sn3d`."""

    order: Literal["acn", "fuma"] = "acn"
    """`acn` is W, Y, Z, X, as YouTube specifies; `fuma` is W, X, Y, Z."""
    normalization: Literal["sn3d", "n3d", "fuma"] = "sn3d"
    """Gain of the channels: `sn3d`, `n3d` (Y, Z, X larger by sqrt 3) or `fuma` (W smaller by sqrt 2)."""


class Renderer(Settings):
    """How four channels become two ears. Each renderer has one constant gain; no clip has a gain of its own."""

    use: Literal["magls", "virtual", "mid_side", "projection8_cipic3"] = "magls"
    """`magls` fits the head directly, above 2 kHz in magnitude alone; `virtual` decodes to loudspeakers around it;
    `mid_side` is (W + Y) / 2 and (W - Y) / 2; `projection8_cipic3` is the public tool's: eight loudspeakers, each fed
    W + Y sin p + X cos p, and CIPIC subject 003."""
    head: Literal["kemar"] | Path = "kemar"
    """`kemar` (MIT KEMAR, Gardner and Martin 1994), or a SOFA file: CIPIC's of subject 003 for `projection8_cipic3`."""
    layout: Literal["ring8", "cube", "tdesign12"] = "ring8"
    """Loudspeakers of `virtual`: eight on the horizon, the corners of a cube, or those of an icosahedron."""
    weighting: Literal["pinv", "max_re"] = "pinv"
    """Decoding of `virtual`: mode matching, or with the first order weakened so that the energy vector is longest."""
    resample: bool = True
    """Whether `projection8_cipic3` resamples the responses to the audio's rate. The public tool does not: it filters
    audio at 16 kHz with responses at 44.1 kHz, which makes time differences 2.76 times too long."""

    @model_validator(mode="after")
    def _only_its_own(self) -> Renderer:
        for key, renderers in _BELONGS.items():
            if self.use not in renderers and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{self.use} has no {key}: it belongs to {' and '.join(renderers)}")
        if self.use == "projection8_cipic3" and self.head == "kemar":
            raise ValueError("projection8_cipic3 needs head: the SOFA file of CIPIC subject 003")
        return self


class View(Settings):
    """What the camera sees. Audio and images turn together."""

    kind: Literal["equirect", "perspective"] = "equirect"
    """`equirect` keeps the entire panorama, `perspective` is a pinhole camera."""
    fov: float = setting(90.0, unit="degrees", ge=20, le=160)
    """Horizontal angle of view of `perspective`."""
    yaw: Annotated[float, Field(ge=-180, le=180)] | Literal["random"] = 0.0
    """Degrees by which camera and head are turned left, -180 to 180. `random` turns each training window anew;
    validation and test face the front."""
    pitch: float = setting(0.0, unit="degrees", ge=-90, le=90)
    """Angle by which camera and head are turned up."""
    panorama: tuple[_Side, _Side] = setting((448, 896), unit="pixels")
    """Largest height and width at which panoramas are decoded, before the view is cut out; no file is enlarged."""

    @model_validator(mode="after")
    def _no_other_fov(self) -> View:
        if self.kind == "equirect" and self.fov != 90:
            raise ValueError("an equirect view has no fov: it shows all of the panorama")
        return self

    @property
    def front(self) -> float:
        """Yaw of a view that does not change, degrees."""
        return 0.0 if self.yaw == "random" else float(self.yaw)


class Foa360Settings(Settings):
    """360-degree video with first-order ambisonic audio, cut into clips and rendered for two ears and a camera."""

    example = {"root": "{recordings}", "seconds": 0.5}

    root: str = setting(min_length=1)
    """Folder that contains the recordings."""
    layout: Literal["auto", "frames", "files"] = "auto"
    """`frames`: `frames/ID/ambix/*.wav` and `frames/ID/video/*.jpg`. `files`: one file with sound and video, or two of
    one name, such as `ID.webm` and `ID.m4a`, `video/ID-START.mp4` and `audio/ID-START.m4a`. `auto` finds out."""
    frames_fps: float = setting(10.0, unit="images/s", gt=0, le=120)
    """Rate at which the files of `frames/ID/video` were extracted."""
    foa: Foa = Foa()
    """Order and gains of the four channels."""
    renderer: Renderer = Renderer()
    """How the four channels become two ears."""
    view: View = View()
    """What the camera sees."""
    seconds: float = setting(10.0, unit="s", ge=0.5, le=3600)
    """Length of a clip."""
    hop: float | None = setting(None, unit="s", gt=0, le=3600)
    """Step between the beginnings of two clips of a recording. If empty, as long as a clip: none overlap."""
    splits: str | None = None
    """A published split, such as `ytmusic/1` (of `ytmusic`, `ytclean`, `ytall`, `recstreet`; 1 to 3), or a csv with the
    columns `file` and `split` and, if wanted, `start`, `end`, `recording`. If empty, a digest of the video's id
    decides."""
    missing: Literal["refuse", "report"] = "refuse"
    """What to do if videos of a published split are not there: `report` counts and names them, and goes on without."""
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of train, val and test among the videos; each gets at least one. Without effect if `splits` is given."""
    length_tolerance: float = setting(1.0, unit="s", ge=0, le=3600)
    """Largest allowed difference between the lengths of a recording's audio and video."""
    screening: Screening = Screening()
    """What is left out, by the levels of the rendered ears. `still` has no effect: images that stand still are kept."""
    directness: float = setting(0.5, ge=0, le=1)
    """Directness from which the direction of the intensity vector counts as true: 1 is a plane wave, 0 a diffuse
    field."""
    truth: KnownTruth | None = None
    """True directions in place of the intensity vector's: a csv file, or a map that names masks of sounding objects.
    Angles are those of the panorama, whose middle is at 0; they turn with the view."""

    @field_validator("truth")
    @classmethod
    def _masks_of_panoramas(cls, value: TruthSettings | None) -> TruthSettings | None:
        if value is not None and value.field_of_view not in (None, 360):
            raise ValueError("masks are those of panoramas: field_of_view must be 360")
        return value

    @field_validator("shares")
    @classmethod
    def _valid_shares(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        return check_shares(value)
