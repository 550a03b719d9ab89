"""From a template to one self-contained page: style and script go inside, and only that script may run."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

_LONG = 18


def render(template: str, styles: tuple[str, ...], script: str, **values: Any) -> str:
    """The page of a template, with the named styles and the script (files beside it) and these values."""
    environment = _environment()
    source = _source(environment, script)
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
    return environment


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].strip()


def _breakable(text: str, longest: int = _LONG) -> Markup:
    """A name longer than that may go on in the next line after a dot or an underscore, rather than within a word."""
    safe = str(escape(text))
    found = max(map(len, safe.split()), default=0)
    return Markup(re.sub(r"(?<=[._])(?=\w)", "<wbr>", safe) if found > longest else safe)
