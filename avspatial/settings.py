"""Settings: pydantic models whose every field has a docstring, bounds and, where there is one, a unit.

`Settings` is the base of everything that a recipe can say. `VisualEncoderChoice` and its siblings are the types
of fields that name a component: in YAML `{use: c3d, width: 0.25}` or just `c3d`. They are resolved while the
recipe is validated, through the registry in the validation context, so that the mistakes of a whole recipe,
nested components included, come out of one validation, each with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from avspatial.errors import PluginError


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values cannot change, field docstrings are descriptions."""

    # Infinity is kept as it is: a resolved recipe must read back as the same settings.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        populate_by_name=True,
        ser_json_inf_nan="constants",
    )

    example: ClassVar[Mapping[str, Any]] = {}
    """Settings that make the component small and whole: those with which `avspatial.testing` builds it. What has no
    default must be in it. `{folder}` stands for an empty folder, `{scenes}` for one of simulated scenes in FAIR-Play's
    layout, `{solos}` for one of simulated solos."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """The checks of `avspatial.testing` that the component cannot pass, each with the reason. Passing one is a failure
    too, so that nothing stands here longer than it is true."""


def setting(default: Any = ..., *, unit: str = "", **bounds: Any) -> Any:
    """A settings field with a unit ("s", "Hz", "dB", ...) and pydantic's bounds (ge, le, gt, lt, ...)."""
    return Field(default, json_schema_extra={"unit": unit} if unit else {}, **bounds)


class Entry(Protocol):
    """What the registry's answer must offer here."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    def settings_class(self) -> type[Settings]: ...


class Lookup(Protocol):
    """The part of the registry that validation needs."""

    def get(self, kind: str, name: str) -> Entry: ...


@dataclass(frozen=True)
class Selected:
    """A component that a recipe chose: its kind, full id, version, and its validated settings."""

    kind: str
    id: str
    version: str
    settings: Any

    def plain(self) -> dict[str, Any]:
        """The choice as it stands in a resolved recipe: `use` with its version, then every setting."""
        return {"use": f"{self.id}@{self.version}", **self.settings.model_dump(mode="json", by_alias=True)}


@dataclass(frozen=True)
class Choose:
    """Marks a field as the choice of one component of `kind`."""

    kind: str

    def _validate(self, value: Any, info: core_schema.ValidationInfo) -> Selected:
        if isinstance(value, Selected):
            return value
        if isinstance(value, str):
            value = {"use": value}
        if not isinstance(value, Mapping) or not isinstance(value.get("use"), str):
            raise PydanticCustomError("choice", "needs {use: NAME, ...} that names one {kind}", {"kind": self.kind})
        lookup: Lookup | None = (info.context or {}).get("registry")
        if lookup is None:
            raise PydanticCustomError("registry", "a component can only be chosen while a registry is at hand")
        try:
            entry = lookup.get(self.kind, value["use"])
            model = entry.settings_class()
        except PluginError as error:
            raise PydanticCustomError("component", "{message}", {"message": str(error)}) from error
        rest = {key: item for key, item in value.items() if key != "use"}
        return Selected(self.kind, entry.id, entry.version, model.model_validate(rest, context=info.context))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(Selected.plain)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-avspatial-kind": self.kind}


VisualEncoderChoice = Annotated[Selected, Choose("visual_encoder")]
AudioEncoderChoice = Annotated[Selected, Choose("audio_encoder")]
MaskGeneratorChoice = Annotated[Selected, Choose("mask_generator")]
DiscriminatorChoice = Annotated[Selected, Choose("discriminator")]
MetricChoice = Annotated[Selected, Choose("metric")]
SpatializerChoice = Annotated[Selected, Choose("spatializer")]
TrainerChoice = Annotated[Selected, Choose("trainer")]
DatasetChoice = Annotated[Selected, Choose("dataset")]


class Stft(Settings):
    """The spectrogram: Hann window, centred frames, zero padding."""

    n_fft: int = setting(448, unit="samples", ge=64, le=8192)
    """FFT length; F = n_fft // 2 + 1 bins."""
    window: int = setting(400, unit="samples", ge=32, le=8192)
    """Hann window length, at most n_fft."""
    hop: int = setting(240, unit="samples", ge=16, le=4096)
    """Step between frames."""
    inverse: str = setting("exact", pattern="^(exact|official_510)$")
    """`exact`: the true inverse, the top bin zero. `official_510`: as the official MONO2BINAURAL code inverts
    (256 bins taken for n_fft 510), for parity with outputs made by it."""


class Window(Settings):
    """The fixed-length excerpt that a model sees."""

    seconds: float = setting(1.0, unit="s", gt=0, le=60)
    """Length of the excerpt."""
    rate: int = setting(16000, unit="Hz", ge=8000, le=192000)
    """Sample rate at which the model works."""
    fps: float = setting(4.0, unit="pictures/s", gt=0, le=120)
    """Rate of the fixed picture grid that starts with the clip."""
    pictures: int = setting(4, ge=1, le=64)
    """Pictures a window sees: one of the grid for each of its equal parts."""
    picture_choice: str = setting("nearest", pattern="^(nearest|last)$")
    """Which one a part sees: the `nearest` to its centre, or the `last` before it, the one on the screen then
    (MONO2BINAURAL)."""
    picture: tuple[int, int] = setting((224, 224), unit="pixels")
    """Height and width of a picture as the model sees it."""
    gain: str = setting("mixture", pattern="^(mixture|reference_stereo)$")
    """Where the scale of a window comes from: `mixture` works on real mono files; `reference_stereo` scales the true
    stereo window to RMS 0.1 as the official demos do: it needs the answer, and every report says so."""


class Framing(Settings):
    """Everything that fixes the shapes a model meets: the window and its spectrogram.

    T = samples, F = n_fft // 2 (the top bin is dropped), M = frames (a multiple of 32 is cut from 1 + T // hop).
    """

    window: Window = Window()
    """The excerpt."""
    stft: Stft = Stft()
    """Its spectrogram."""

    @property
    def samples(self) -> int:
        return round(self.window.seconds * self.window.rate)

    @property
    def bins(self) -> int:
        return self.stft.n_fft // 2

    @property
    def frames(self) -> int:
        """Spectrogram frames the model sees: the largest multiple of 32 that the window holds."""
        return (1 + self.samples // self.stft.hop) // 32 * 32
