"""Base class of all settings, and the field types that choose a component in a recipe.

`Settings` is the base of every part of a recipe. `VisualEncoderChoice` and its siblings are the types of
fields that name a component, in YAML `{use: c3d, width: 0.25}` or just `c3d`. They are resolved by the registry in
the validation context, so that one validation reports every error of a recipe, those of nested components included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from avspatial.errors import PluginError

__all__ = [
    "AudioEncoderChoice",
    "Choose",
    "ComponentEntry",
    "ComponentLookup",
    "DatasetChoice",
    "DiscriminatorChoice",
    "MaskGeneratorChoice",
    "MetricChoice",
    "Selected",
    "Settings",
    "SpatializerChoice",
    "TrainerChoice",
    "VisualEncoderChoice",
    "annotation_parts",
    "setting",
]


class Settings(BaseModel):
    """Settings of a component: a frozen pydantic model that refuses unknown keys.

    Each field has a docstring, which becomes its description in `avspatial plugins show`, in docs/recipes.md and in
    the JSON Schema; its first line also completes error messages.
    """

    # Infinity is kept as it is: a resolved recipe must read back as the same settings.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        populate_by_name=True,
        ser_json_inf_nan="constants",
    )

    @model_validator(mode="before")
    @classmethod
    def _expand_home(cls, values: Any) -> Any:
        """`~/data` is a path in the home folder, in every setting: no other value begins like this."""
        if not isinstance(values, Mapping):
            return values
        paths = {key: item for key, item in values.items() if isinstance(item, str | Path) and str(item)[:2] == "~/"}
        return {**values, **{key: str(Path(path).expanduser()) for key, path in paths.items()}}

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_values(cls, value: Any, info: ValidationInfo) -> Any:
        """`seed: true` is an error; pydantic would take it for 1."""
        error = _number_error(cls.model_fields[str(info.field_name)].annotation)
        wrong = list(_truth_values(value)) if error else []
        if wrong:
            lines = [InitErrorDetails(type=error, loc=loc, input=truth) for loc, truth in wrong]
            raise ValidationError.from_exception_data("number", lines)
        return value

    example: ClassVar[Mapping[str, Any]] = {}
    """Settings with which `avspatial.testing` builds the component: a small size, and every field without a
    default. `{folder}` stands for an empty folder, `{scenes}` for one of simulated scenes in FAIR-Play's
    layout, `{solos}` for one of simulated solos, `{recordings}` for one of 360-degree recordings."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of `avspatial.testing` that the component cannot pass, each with the reason. Passing such a check is a
    failure too, so that outdated entries are found."""


def annotation_parts(annotation: Any) -> Iterator[Any]:
    """List everything that a type consists of: of `list[int] | None` itself, `list[int]`, `int` and `NoneType`.

    Args:
        annotation: The type of a field.

    Returns:
        The parts, the type itself first.
    """
    yield annotation
    for part in get_args(annotation):
        yield from annotation_parts(part)


def _number_error(annotation: Any) -> str:
    """pydantic's error type for what is no number; empty if a value may be no number, or true or false as well."""
    parts = list(annotation_parts(annotation))
    if any(part is bool or part is Any or isinstance(part, bool) for part in parts):
        return ""
    if any(part is float for part in parts):
        return "float_type"
    return "int_type" if any(part is int or isinstance(part, int) for part in parts) else ""


def _truth_values(value: Any, loc: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], bool]]:
    if isinstance(value, bool):
        yield loc, value
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in pairs:
        yield from _truth_values(item, (*loc, key))


def setting(default: Any = ..., *, unit: str = "", form: str = "", **bounds: Any) -> Any:
    """Declare a field of `Settings` with a unit and bounds.

    Args:
        default: Value if the recipe does not give one; without it, the field is required.
        unit: Unit that messages and docs name, such as "s", "Hz" or "dB".
        form: What a `pattern` allows, in words: messages and docs show it in place of the regular expression.
        **bounds: Constraints as of `pydantic.Field`: ge, le, gt, lt, pattern, min_length, ...

    Returns:
        The field's definition, for the right side of `name: type = setting(...)`.

    Example:
        >>> class Filter(Settings):
        ...     cutoff: float = setting(1000.0, unit="Hz", gt=0)
        >>> Filter(cutoff=500).cutoff
        500.0
    """
    extra = {"unit": unit, "form": form}
    return Field(default, json_schema_extra={key: text for key, text in extra.items() if text}, **bounds)


class ComponentEntry(Protocol):
    """A component as `ComponentLookup.get` returns it; `avspatial.registry.Entry` is one."""

    @property
    def id(self) -> str:
        """Full id, `plugin.name`."""

    @property
    def version(self) -> str:
        """Version of the component."""

    def settings_class(self) -> type[Settings]:
        """Import the class of its settings.

        Returns:
            The class.
        """


class ComponentLookup(Protocol):
    """The part of the registry that validation needs; `avspatial.registry.Registry` is one."""

    def get(self, kind: str, name: str) -> ComponentEntry:
        """Find a component.

        Args:
            kind: One of `avspatial.plugin.KINDS`.
            name: Full id, `plugin.name`, or its short form.

        Returns:
            The component.

        Raises:
            PluginError: No component or several have this name.
        """


@dataclass(frozen=True)
class Selected:
    """A component that a recipe chose.

    Attributes:
        kind: One of `avspatial.plugin.KINDS`.
        id: Full id, `plugin.name`.
        version: Version of the component.
        settings: Its validated settings, an instance of its `Settings` class.
    """

    kind: str
    id: str
    version: str
    settings: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the choice as a resolved recipe writes it.

        Returns:
            `use` with the version, then every setting.
        """
        return {"use": f"{self.id}@{self.version}", **self.settings.model_dump(mode="json", by_alias=True)}


@dataclass(frozen=True)
class Choose:
    """Annotation that makes a field the choice of one component.

    Args:
        kind: Kind of the component, one of `avspatial.plugin.KINDS`.
    """

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
            raise PydanticCustomError("registry", "a component needs a registry in the validation context")
        rest = {key: item for key, item in value.items() if key != "use"}
        try:
            entry = lookup.get(self.kind, value["use"])
            model = entry.settings_class()
        except PluginError as error:
            unknown = PydanticCustomError("component", "{message}", {"message": str(error)})
            raise self._with_errors_below(unknown, value, rest, info, error.nearest) from error
        return Selected(self.kind, entry.id, entry.version, model.model_validate(rest, context=info.context))

    def _with_errors_below(
        self, unknown: PydanticCustomError, value: Any, rest: Any, info: core_schema.ValidationInfo, nearest: str
    ) -> Exception:
        """The error, and what is wrong in the settings if the component with the nearest name was meant.

        What they lack does not count: a parent's settings do not hold for a component of another name.
        """
        lookup: ComponentLookup = info.context["registry"]  # type: ignore[index]
        try:
            if nearest:
                lookup.get(self.kind, nearest).settings_class().model_validate(rest, context=info.context)
        except PluginError:
            return unknown
        except ValidationError as error:
            lines = [InitErrorDetails(type=unknown, input=value)]
            for below in error.errors(include_url=False):
                if below["type"] in ("missing", "choice"):
                    continue
                again = PydanticCustomError(below["type"], below["msg"], below.get("ctx"))
                lines.append(InitErrorDetails(type=again, loc=below["loc"], input=below["input"]))
            return ValidationError.from_exception_data(self.kind, lines)
        return unknown

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
