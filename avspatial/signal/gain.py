"""The training level: every window is scaled to it before the networks and scaled back after them."""

from __future__ import annotations

from torch import Tensor

__all__ = ["FLOOR", "STEREO_RMS", "level_scale", "rms", "window_scale"]

STEREO_RMS = 0.1
"""RMS of a training window over both channels (MONO2BINAURAL's code; SAGM does not state one)."""

FLOOR = 1e-4
"""Smallest RMS that is scaled to the training level; quieter signals get the factor of this one and stay quiet."""


def rms(x: Tensor) -> Tensor:
    """Root mean square over time.

    Args:
        x: (..., T).

    Returns:
        (..., 1).
    """
    return x.square().mean(-1, keepdim=True).sqrt()


def level_scale(rms: Tensor, target: float | Tensor) -> Tensor:
    """Factor that brings a signal of a known RMS to the target RMS.

    Args:
        rms: RMS of each signal, any shape.
        target: RMS to reach.

    Returns:
        target / rms, of the shape of `rms`; target / `FLOOR` for anything quieter than `FLOOR`.
    """
    return target / rms.clamp_min(FLOOR)


def window_scale(mixture: Tensor, reference: Tensor | None, gain: str, mixture_rms: float | Tensor) -> Tensor:
    """Factor that brings each window to the training level.

    Args:
        mixture: (B, T).
        reference: True stereo (B, 2, T); needed for gain "reference_stereo" alone.
        gain: "mixture" brings the mixture to `mixture_rms`. "reference_stereo" brings the true stereo window to
            `STEREO_RMS`, as the official demos do; it needs the answer, which a mono recording does not have.
        mixture_rms: The training set's median RMS of the mixture of windows whose stereo RMS is `STEREO_RMS`.

    Returns:
        (B, 1).

    Raises:
        ValueError: Unknown gain, or "reference_stereo" without a reference.
    """
    if gain == "mixture":
        return level_scale(rms(mixture), mixture_rms)
    if gain != "reference_stereo":
        raise ValueError(f"gain is 'mixture' or 'reference_stereo', not {gain!r}")
    if reference is None:
        raise ValueError("gain 'reference_stereo' needs the true stereo window")
    return level_scale(rms(reference.flatten(1)), STEREO_RMS)
