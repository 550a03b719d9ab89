"""Render a template as one self-contained page, with style and script inline; no other script may run."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from avspatial.report.parts.numbers import interval, number, p_value, signed

_LONG = 18


def render(template: str, styles: tuple[str, ...], script: str, **values: Any) -> str:
    """Render a template with style sheets, one script or none (files in the same folder) and values."""
    environment = _environment()
    source = _source(environment, script) if script else ""
    return environment.get_template(template).render(
        style=Markup("\n".join(_source(environment, name) for name in styles)),
        script=Markup(source),
        script_hash=base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii"),
        **values,
    )


def _environment() -> Environment:
    loader = PackageLoader("avspatial.report", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["breakable"] = _breakable
    environment.filters["spaced"] = lambda name: name.replace("_", " ")
    environment.filters |= {"number": number, "signed": signed, "interval": interval, "p_value": p_value}
    return environment


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].strip()


def _breakable(text: str, longest: int = _LONG) -> Markup:
    """Allow a line break after each dot and underscore of a text with a word longer than `longest`."""
    safe = str(escape(text))
    length = max(map(len, safe.split()), default=0)
    return Markup(re.sub(r"(?<=[._])(?=\w)", "<wbr>", safe) if length > longest else safe)
