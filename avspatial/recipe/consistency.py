"""Checks between keys of a recipe, on the parts that are valid by themselves, so that all errors show at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from avspatial.framing import Framing, Stft, Window
from avspatial.recipe.schema import Inference, Recipe
from avspatial.recipe.yaml_tree import Loc
from avspatial.settings import Settings

MIN_FRAMES = 32
MIN_IMAGE_SIZE = 16
Part = TypeVar("Part", bound=Settings)


def contradictions(recipe: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Keys that contradict each other: the location of one of them, and what is wrong."""
    window = _part(Window, recipe.get("window", {}))
    stft = _part(Stft, recipe.get("stft", {}))
    inference = _part(Inference, recipe.get("inference", {}))
    if stft and stft.window > stft.n_fft:
        yield ("stft", "window"), f"must be at most stft.n_fft ({stft.n_fft} samples), not {stft.window}"
    if window and min(window.picture) < MIN_IMAGE_SIZE:
        yield ("window", "picture"), f"height and width must be at least {MIN_IMAGE_SIZE} pixels, not {window.picture}"
    if window and stft:
        yield from _frames(window, stft, "hop" in recipe.get("stft", {}))
    if window and inference and inference.hop > window.seconds:
        what = f"must be at most window.seconds ({window.seconds:g} s), not {inference.hop:g}: audio would be left out"
        yield ("inference", "hop"), what


def duplicates(recipe: Recipe) -> Iterator[tuple[Loc, str]]:
    """Metrics that a recipe names twice: their scores would have the same name."""
    first: dict[str, int] = {}
    for index, metric in enumerate(recipe.metrics):
        if first.setdefault(metric.id, index) != index:
            yield ("metrics", index), f"{metric.id} is named twice; the first is metrics[{first[metric.id]}]"


def _frames(window: Window, stft: Stft, hop_is_written: bool) -> Iterator[tuple[Loc, str]]:
    framing = Framing(window=window, stft=stft)
    if framing.stft_frames >= MIN_FRAMES:
        return
    frames = 1 + framing.samples // stft.hop
    count = f"holds {frames} frames of {stft.hop} samples, and {MIN_FRAMES} are needed"
    if hop_is_written:
        longest = framing.samples // (MIN_FRAMES - 1)
        yield ("stft", "hop"), f"a window of {window.seconds:g} s {count}; take a hop of at most {longest}"
    else:
        shortest = (MIN_FRAMES - 1) * stft.hop / window.rate
        yield ("window", "seconds"), f"a window of {window.seconds:g} s {count}; take at least {shortest:g} s"


def _part(model: type[Part], value: Any) -> Part | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None
