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


class ComponentEntry(Protocol):
    """What the registry's answer must offer here."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> str: ...
    def settings_class(self) -> type[Settings]: ...


class ComponentLookup(Protocol):
    """The part of the registry that validation needs."""

    def get(self, kind: str, name: str) -> ComponentEntry: ...


@dataclass(frozen=True)
class Selected:
    """A component that a recipe chose: its kind, full id, version, and its validated settings."""

    kind: str
    id: str
    version: str
    settings: Any

    def to_dict(self) -> dict[str, Any]:
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
        lookup: ComponentLookup | None = (info.context or {}).get("registry")
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
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(Selected.to_dict)
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
