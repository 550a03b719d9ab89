"""Each check catches the bad component that was planted for it, and no check is without one."""

from pathlib import Path

import pytest

from avspatial.plugin import KINDS
from avspatial.registry import Registry, discover
from avspatial.testing import checks_of, run_checks

PLANTED = discover([Path(__file__).parent / "planted"])
CASES = [
    (entry.kind, *entry.component.name.partition("__")[::2])
    for entry in PLANTED.entries()
    if entry.plugin.name == "planted" and entry.component.name != "good"
]
"""Kind, check, and which fault where more than one is planted for the check."""


@pytest.mark.parametrize(("kind", "check", "fault"), CASES, ids=lambda part: part)
def test_a_check_catches_what_was_planted_for_it(kind: str, check: str, fault: str) -> None:
    name = f"{check}__{fault}" if fault else check
    *_, result = run_checks(f"planted.{name}", kind=kind, only=[check], registry=PLANTED)
    if result.status == "skipped" and check == "devices_agree":
        pytest.skip(result.note)
    assert (result.check, result.status) == (check, "failed")
    assert result.note
    file, line, source = result.statement.split(":", 2)
    assert Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1].strip() == source.strip()


def test_every_check_of_every_kind_has_something_planted() -> None:
    assert {(kind, check) for kind, check, _ in CASES} == {(kind, check) for kind in KINDS for check in checks_of(kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_is_planted_nothing_is_found(kind: str) -> None:
    results = run_checks("planted.good", kind=kind, registry=PLANTED)
    assert [str(result) for result in results if not result.ok] == []
    assert [result.check for result in results] == list(checks_of(kind))


@pytest.fixture
def planted() -> Registry:
    return PLANTED


def test_an_expected_failure_has_its_reason(planted: Registry) -> None:
    results = run_checks(
        "planted.pictures_matter",
        kind="discriminator",
        expected_failures={"pictures_matter": "the ablation without pictures"},
        registry=planted,
    )
    expected = [result for result in results if result.status == "expected"]
    assert [(result.check, result.note) for result in expected] == [
        ("pictures_matter", "the ablation without pictures")
    ]
    assert all(result.ok for result in results)


def test_an_expected_failure_that_passes_is_a_failure(planted: Registry) -> None:
    *_, result = run_checks(
        "planted.pictures_matter",
        kind="visual_encoder",
        expected_failures={"seeded": "it was so once"},
        only=["seeded"],
        registry=planted,
    )
    assert result.status == "failed"
    assert result.note == ("passes, though it is declared to fail (it was so once): take it out of expected_failures")


def test_an_expected_failure_of_no_check_is_a_failure(planted: Registry) -> None:
    results = run_checks(
        "planted.seeded",
        kind="visual_encoder",
        expected_failures={"finit": "misspelled"},
        only=["construct"],
        registry=planted,
    )
    assert [str(result) for result in results if not result.ok] == [
        "failed    visual_encoder planted.seeded  finit: there is no such check (did you mean 'finite'?)"
    ]


def test_what_cannot_be_built_is_checked_no_further(planted: Registry) -> None:
    (result,) = run_checks("planted.construct", kind="visual_encoder", registry=planted)
    assert (result.status, result.note) == ("failed", "ValueError: no such settings")
    assert result.statement.endswith('raise ValueError("no such settings")')


def test_checking_leaves_the_random_numbers_alone(planted: Registry) -> None:
    import random

    import numpy as np
    import torch

    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    expected = torch.rand(1).item(), np.random.rand(), random.random()
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    run_checks("planted.seeded", kind="visual_encoder", only=["seeded", "finite"], registry=planted)
    assert (torch.rand(1).item(), np.random.rand(), random.random()) == expected
