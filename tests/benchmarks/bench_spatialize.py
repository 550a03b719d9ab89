"""How fast a sound is spatialized, as ratios: against a plain loop over windows, and one pass against windows.

    pytest -s tests/benchmarks/bench_spatialize.py

The plain loop does what the official demos do: one window at a time, its pictures decoded from jpg files and resized,
STFT, networks, inverse STFT, overlap-add. Weights are random, for speed does not depend on them; networks, windows and
pictures are of the papers' size. Both run in turns on one clip, so that a busy machine slows both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.plain_loop import plain_loop
from torch.utils.flop_counter import FlopCounterMode

from avspatial.data.windows import image_indices
from avspatial.inference.optimize import optimize_for_inference
from avspatial.inference.options import InferenceOptions, computes_bf16, make_processor
from avspatial.inference.overlap_add import window_starts
from avspatial.inference.visual_features import ClipImages
from avspatial.interfaces import Spatializer
from avspatial.media.video import folder_images
from avspatial.recipe.load import load_recipe
from avspatial.recipe.schema import Inference
from avspatial.registry import discover

SAMPLES = 16000
"""Enough for either window."""
RECIPES = Path(__file__).parents[2] / "recipes"
CASES = {
    "MONO2BINAURAL, hop 0.05 s": ("mono2binaural_fairplay", 0.05, 10.0),
    "SAGM, hop 0.1 s": ("sagm_fairplay", 0.1, 10.0),
}


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.split(",")[0])
def case(request: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A paper-size network, ten seconds of noise and a folder of jpg pictures, 640 x 360."""
    name, hop, seconds = CASES[request.param]
    registry, folder = discover(), tmp_path_factory.mktemp("pictures")
    sets = ["model.visual_encoder.pretrained=false", f"data.root={folder}"]
    recipe = load_recipe(RECIPES / f"{name}.yaml", registry, sets).recipe
    torch.manual_seed(0)
    spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry).eval()
    torch.nn.init.normal_(spatializer.mask_generator.last.weight, 0, 0.2)
    random = np.random.default_rng(0)
    for number in range(round(seconds * recipe.window.fps)):
        small = random.integers(0, 256, (9, 16, 3), dtype=np.uint8)
        Image.fromarray(small).resize((640, 360)).save(folder / f"{number + 1:06d}.jpg")
    noise = random.normal(0, 0.1, (1, round(seconds * recipe.window.rate))).astype(np.float32)
    return {"name": request.param, "spatializer": spatializer, "window": recipe.window, "folder": folder,
            "inference": Inference(hop=hop), "sound": torch.from_numpy(noise)}  # fmt: skip


def spatialized(spatializer: Spatializer, case: dict[str, Any], **options: Any) -> Any:
    """What `avspatial spatialize` does, decoding of the pictures included."""
    window, inference = case["window"], case["inference"]
    settings = InferenceOptions(inference, **options)
    pictures = folder_images(case["folder"], window.fps, window.fps, window.picture)
    with torch.inference_mode(), settings.arithmetic(spatializer):
        processor = make_processor(spatializer, ClipImages(pictures), settings)
        return torch.cat((processor.push(case["sound"]), processor.finish()), 1)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def operations(spatializer: Spatializer) -> tuple[float, float]:
    """Multiply-adds of encoding one group of images and of one window, without the STFT."""
    window = spatializer.framing.window
    images = torch.rand(1, window.pictures, 3, *window.picture)
    counts = []
    with torch.no_grad():
        seen = spatializer.encode_images(images)
        for work in (
            lambda: spatializer.encode_images(images),
            lambda: spatializer.spatialize(torch.rand(1, SAMPLES), seen),
        ):
            with FlopCounterMode(display=False) as counter:
                work()
            counts.append(counter.get_total_flops() / 2)
    return counts[0], counts[1]


def matrix_rate() -> float:
    """Multiply-adds a second in products of matrices: what this machine does at best."""
    square = torch.rand(2048, 2048)
    return 2048**3 / min(timed(lambda: square @ square)[0] for _ in range(5))


def count(case: dict[str, Any]) -> tuple[int, int]:
    """Distinct groups of images, and windows, of overlap-add."""
    window, framing = case["window"], case["spatializer"].framing
    length = case["sound"].shape[1] + framing.samples - case["spatializer"].valid_samples
    starts = window_starts(length, framing.samples, round(case["inference"].hop * window.rate))
    pictures = len(list(case["folder"].iterdir()))
    return len({tuple(image_indices(start / window.rate, window, pictures)) for start in starts}), len(starts)


def test_against_a_plain_loop(case: dict[str, Any]) -> None:
    spatializer, quick = case["spatializer"], optimize_for_inference(case["spatializer"])
    hop = round(case["inference"].hop * case["window"].rate)
    groups, windows = count(case)
    plain, reference = timed(lambda: plain_loop(spatializer, case["folder"], hop, case["sound"]))
    title = f"\n{case['name']}, {torch.get_num_threads()} threads: {windows} windows, {groups} groups"
    lines = [title, f"plain loop {plain:.1f} s"]
    exact, found = timed(lambda: spatialized(quick, case))
    off = float((found - reference).abs().max())
    lines.append(f"exact {exact:.1f} s: {plain / exact:.2f} times the plain loop, at most {off:.1e} off")
    others = [("continuous", {"mode": "continuous"})]
    if computes_bf16(torch.device("cpu")):
        others.append(("exact bf16", {"precision": "bf16"}))
    for words, options in others:
        took, other = timed(lambda options=options: spatialized(quick, case, **options))  # type: ignore[misc]
        difference = float((other - reference).square().mean().sqrt() / (reference[0] - reference[1]).std())
        lines.append(f"{words} {took:.1f} s: {exact / took:.2f} times exact, {difference:.3f} of the difference off")
    rate = matrix_rate()
    for words, model, seen in (("plain loop", spatializer, windows), ("exact", quick, groups)):
        encoding, window = operations(model)
        needed = seen * encoding + windows * window
        lines.append(
            f"{words}: {encoding / 1e9:.2f} G multiply-adds per encoding, {window / 1e9:.2f} G per window, "
            f"{needed / 1e9:.0f} G in all: {needed / rate:.1f} s at the {rate / 1e9:.0f} G/s of matrix products"
        )
    print("\n  ".join(lines))
    assert off < 1e-4
