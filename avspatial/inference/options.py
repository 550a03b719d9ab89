"""Inference options: mode, stereo width and numeric precision."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from avspatial.errors import AvspatialError
from avspatial.inference.overlap_add import OverlapAdd
from avspatial.inference.single_pass import SinglePass
from avspatial.inference.visual_features import ImageSource, VisualFeatureCache
from avspatial.interfaces import Spatializer
from avspatial.recipe.schema import Inference

Mode = Literal["exact", "continuous"]
"""`exact`: overlapping windows, averaged, as in the papers. `continuous`: one long pass, faster, nearly the same."""
Precision = Literal["fp32", "bf16"]
"""Floating-point format in which the networks compute."""


def computes_bf16(device: torch.device) -> bool:
    """Whether the device computes bf16 natively. On a CPU without oneDNN's bf16 kernels torch's own take many times
    the time of fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def refuse_slow(precision: Precision, device: torch.device) -> None:
    """Raise AvspatialError for bf16 on a device where it would only be slower."""
    if precision == "bf16" and not computes_bf16(device):
        raise AvspatialError(
            f"this machine's {'CPU' if device.type == 'cpu' else 'GPU'} has no bf16 arithmetic: "
            "it would take many times as long as fp32",
            where="precision",
            fix="Use fp32, the default. The mode `continuous` or another --device makes it faster here.",
        )


StreamProcessor = OverlapAdd | SinglePass
"""Turns audio (1, n) at the model's rate, block by block, into stereo (2, k)."""


@dataclass(frozen=True)
class InferenceOptions:
    """How a spatializer is applied; `width` is the factor of the difference.

    Raises:
        AvspatialError: For an unknown mode or precision.
    """

    inference: Inference
    width: float = 1.0
    mode: Mode = "exact"
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        for where, value, choices in (
            ("mode", self.mode, get_args(Mode)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in choices:
                raise AvspatialError(f"unknown {where} {value!r}; it can be {' or '.join(choices)}", where=where)

    def arithmetic(self, spatializer: Spatializer) -> AbstractContextManager[object]:
        """The context in which the networks compute."""
        device = spatializer.mixture_rms.device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.precision == "bf16")


def make_processor(spatializer: Spatializer, images: ImageSource, options: InferenceOptions) -> StreamProcessor:
    """The processor of mono audio for a mode. Raises DataError if the spatializer does not support the mode."""
    features = VisualFeatureCache(spatializer, images, options.inference.batch_size)
    if options.mode == "continuous":
        return SinglePass(spatializer, features)
    return OverlapAdd(spatializer, 1, features, options.inference)
