"""Conformance kit for plugins: check that a component keeps the promises of its kind.

`avspatial plugins check` runs the same checks, after those of the plugin's declaration and import.

Example:
    >>> from avspatial.testing import run_checks
    >>> for result in run_checks("avspatial.snr", only=["construct", "declared"]):
    ...     print(result)
    passed    metric avspatial.snr  construct
    passed    metric avspatial.snr  declared
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avspatial.testing.as_pytest import conformance
from avspatial.testing.results import Result
from avspatial.testing.run_checks import checks_of, run_checks

if TYPE_CHECKING:
    from avspatial.testing.card_check import metric_cards

__all__ = ["Result", "checks_of", "conformance", "metric_cards", "run_checks"]


def __getattr__(name: str) -> Any:
    if name != "metric_cards":  # imports the evaluation
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from avspatial.testing.card_check import metric_cards

    return metric_cards
