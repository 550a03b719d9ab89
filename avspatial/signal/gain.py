"""The level at which a model works: every window is scaled to it before the network and scaled back after."""

from __future__ import annotations

from torch import Tensor

STEREO_RMS = 0.1
"""RMS of a training window over both channels (MONO2BINAURAL's code; SAGM does not say)."""

FLOOR = 1e-4
"""No window is taken for quieter than this, so that silence stays silence."""


def rms(x: Tensor) -> Tensor:
    """x (..., T) -> root mean square (..., 1)."""
    return x.square().mean(-1, keepdim=True).sqrt()


def window_scale(mixture: Tensor, reference: Tensor | None, gain: str, mixture_rms: float | Tensor) -> Tensor:
    """mixture (B, T), reference (B, 2, T) or None -> factor (B, 1) that brings each window to the training level.

    gain "mixture": to `mixture_rms`, the training set's median RMS of the mixture of windows whose stereo RMS is 0.1;
    needs nothing but the mixture. gain "reference_stereo": the true stereo window to RMS 0.1, as the official demos
    do; it needs the answer. ValueError if it is missing.
    """
    if gain == "mixture":
        return mixture_rms / rms(mixture).clamp_min(FLOOR)
    if gain != "reference_stereo":
        raise ValueError(f"gain is 'mixture' or 'reference_stereo', not {gain!r}")
    if reference is None:
        raise ValueError("gain 'reference_stereo' needs the true stereo window")
    return STEREO_RMS / rms(reference.flatten(1)).clamp_min(FLOOR)
