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

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names
from avspatial.testing.as_pytest import conformance
from avspatial.testing.results import Result
from avspatial.testing.run_checks import checks_of, run_checks

if TYPE_CHECKING:
    from avspatial.testing.card_check import metric_cards

__all__ = ["Result", "checks_of", "conformance", "metric_cards", "run_checks"]

__getattr__ = lazy_names(__name__)
