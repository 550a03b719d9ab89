"""How a sound is walked: in which mode, how wide, how exactly."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import torch
from torch import Tensor

from avspatial.errors import AvspatialError
from avspatial.inference.overlap_add import OverlapAdd
from avspatial.inference.single_pass import SinglePass
from avspatial.inference.visual_features import ImageSource, VisualFeatureCache
from avspatial.interfaces import Spatializer
from avspatial.recipe.schema import Inference

Mode = Literal["exact", "continuous"]
"""`exact`: overlapping windows, averaged, as in the papers. `continuous`: one long pass, faster, nearly the same."""
Precision = Literal["fp32", "bf16"]
"""The arithmetic of the networks."""


def computes_bf16(device: torch.device) -> bool:
    """Whether networks in bf16 are made for this device: without oneDNN's kernels, torch's own take many times fp32's
    time on a CPU."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def refuse_slow(precision: Precision, device: torch.device) -> None:
    """AvspatialError for bf16 where it would only be slower."""
    if precision == "bf16" and not computes_bf16(device):
        raise AvspatialError(
            f"this machine's {'CPU' if device.type == 'cpu' else 'GPU'} has no bf16 arithmetic: "
            "it would take many times as long as fp32",
            where="precision",
            fix="Take fp32, the default. What makes it faster here is the mode `continuous`, or another --device.",
        )


class StreamProcessor(Protocol):
    """What turns sound (1, n) at the model's rate, block by block, into stereo (2, k)."""

    def push(self, block: Tensor) -> Tensor: ...
    def finish(self) -> Tensor: ...


@dataclass(frozen=True)
class InferenceOptions:
    """How it is done; `width` is what the difference is multiplied by. AvspatialError for a mode or precision that is
    none."""

    inference: Inference
    width: float = 1.0
    mode: Mode = "exact"
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        for where, given, known in (("mode", self.mode, Mode), ("precision", self.precision, Precision)):
            if given not in get_args(known):
                raise AvspatialError(
                    f"there is no {where} {given!r}; it can be {' or '.join(get_args(known))}", where=where
                )

    def arithmetic(self, spatializer: Spatializer) -> contextlib.AbstractContextManager[object]:
        """The context in which the networks compute."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(spatializer.mixture_rms.device.type, dtype=torch.bfloat16)


def make_processor(spatializer: Spatializer, pictures: ImageSource, options: InferenceOptions) -> StreamProcessor:
    """The walk over a mono sound; DataError for a model that cannot walk so."""
    looks = VisualFeatureCache(spatializer, pictures, options.inference.batch_size)
    if options.mode == "continuous":
        return SinglePass(spatializer, 1, looks)
    return OverlapAdd(spatializer, 1, looks, options.inference)
