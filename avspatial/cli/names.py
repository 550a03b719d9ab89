"""Options that take several names, separated by commas."""

from __future__ import annotations

from avspatial.text import split_names


class Names(tuple[str, ...]):
    """Names from one option, as in `--metrics snr,stft_distance`."""


def names(text: str) -> Names:
    """Split at commas; blanks around a name and empty names are dropped."""
    return Names(split_names(text))
