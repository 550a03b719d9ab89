"""The examples in the docstrings of the public packages print what they say."""

import doctest
import importlib.util
import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
from support.public_modules import PUBLIC

from avspatial import metrics


def sources() -> dict[str, str]:
    """The text of every module of the public packages by its name, read without importing the modules."""
    texts = {}
    for name in (*PUBLIC, "avspatial.api"):
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        texts[name] = Path(spec.origin).read_text(encoding="utf-8")
        for module in pkgutil.iter_modules(spec.submodule_search_locations or []):
            if not module.ispkg:
                path = Path(spec.origin).with_name(f"{module.name}.py")
                texts[f"{name}.{module.name}"] = path.read_text(encoding="utf-8")
    return texts


@pytest.mark.parametrize("name", sorted(name for name, text in sources().items() if ">>> " in text))
def test_the_examples_of_a_module_print_what_they_say(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner, report = doctest.DocTestRunner(), []
    for test in doctest.DocTestFinder(exclude_empty=True).find(import_module(name)):
        runner.run(test, out=report.append)
    assert runner.tries > 0
    assert "".join(report) == ""


@pytest.mark.parametrize("name", metrics.__all__)
def test_every_public_function_and_class_of_the_metrics_has_an_example(name: str) -> None:
    item = getattr(metrics, name)
    if inspect.isfunction(item) or inspect.isclass(item):
        assert re.search(rf">>> from avspatial.metrics import .*\b{name}\b", item.__doc__ or "")
