"""The pytest form: each check is a case, skipped, expected or failed as the check says."""

from pathlib import Path

import pytest

from avspatial.testing import conformance

PLANTED = Path(__file__).parent / "planted"

test_good = conformance("avspatial.unet", kind="audio_encoder")
test_expected = conformance(
    "planted.pictures_matter",
    kind="discriminator",
    expected_failures={"pictures_matter": "planted so"},
    plugins=[PLANTED],
)


def test_a_case_fails_with_the_line_of_the_check() -> None:
    form = conformance("planted.seeded", kind="visual_encoder", plugins=[PLANTED])
    form("shapes")
    message = (
        r"^failed    visual_encoder planted\.seeded  seeded: layer\.weight starts differently under the same seed\n"
    )
    with pytest.raises(pytest.fail.Exception, match=message):
        form("seeded")
