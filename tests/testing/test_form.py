"""The pytest form: each check is a case, skipped, expected or failed as the check says."""

from pathlib import Path

from avspatial.testing import conformance

PLANTED = Path(__file__).parent / "planted"

test_good = conformance("avspatial.unet", kind="audio_encoder")
test_expected = conformance(
    "planted.pictures_matter",
    kind="discriminator",
    expected_failures={"pictures_matter": "planted so"},
    plugins=[PLANTED],
)
