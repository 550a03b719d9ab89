"""The conformance kit: does a component do what its kind promises?

    from avspatial.testing import conformance, run_checks

    run_checks("balance.balance_error")            # a list of `Result`, one a check
    test_balance = conformance("balance.balance_error")      # in a test file: one pytest case a check

`avspatial plugins check` prints the same, after a look at the plugin's declaration and at its import.
"""

from avspatial.testing.as_pytest import conformance
from avspatial.testing.results import Result
from avspatial.testing.run_checks import checks_of, run_checks

__all__ = ["Result", "checks_of", "conformance", "run_checks"]
