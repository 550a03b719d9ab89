"""First-order ambisonics: channel conventions, encoding, rotation, and the direction of the active intensity.

Inside the package a field is always AmbiX: channels W, Y, Z, X (ACN) with SN3D gains, as YouTube specifies, so that a
plane wave from azimuth a and elevation e has the gains 1, sin a cos e, sin e, cos a cos e. Azimuth is
counter-clockwise, positive is left; +x is the front, +y the left, +z up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.signal import butter, sosfilt

from avspatial.signal.head import Floats, unit_vectors

__all__ = ["Directions", "banded_blocks", "directions", "encode", "gains", "rotate", "rotation", "to_ambix"]

_POSITIONS = {"acn": (0, 1, 2, 3), "fuma": (0, 2, 3, 1)}
"""Where W, Y, Z, X stand in each channel order."""
_SCALES = {"sn3d": (1.0, 1.0), "n3d": (1.0, 1 / np.sqrt(3)), "fuma": (np.sqrt(2), 1.0)}
"""What W and the first-order channels are multiplied by to be SN3D."""


def gains(azimuth: Any, elevation: Any = 0.0) -> Floats:
    """Gains of a plane wave in W, Y, Z and X (SN3D).

    Args:
        azimuth: Degrees, positive is left, any shape.
        elevation: Degrees, positive is up, broadcast against `azimuth`.

    Returns:
        (..., 4).
    """
    vectors = unit_vectors(azimuth, elevation)
    return np.concatenate([np.ones_like(vectors[..., :1]), vectors[..., [1, 2, 0]]], -1)


def encode(signal: Floats, azimuth: Any, elevation: Any = 0.0) -> Floats:
    """Encode a signal as a plane wave.

    Args:
        signal: (T,).
        azimuth: Degrees, positive is left: one number, or (T,) for a source that moves.
        elevation: Degrees, positive is up: one number or (T,).

    Returns:
        (4, T): W, Y, Z, X.
    """
    return np.asarray(np.atleast_2d(gains(azimuth, elevation)).T * np.asarray(signal, float))


def to_ambix(
    field: Floats, order: Literal["acn", "fuma"] = "acn", normalization: Literal["sn3d", "n3d", "fuma"] = "sn3d"
) -> Floats:
    """Convert a first-order field to AmbiX (ACN order, SN3D gains).

    Args:
        field: (4, T).
        order: Channel order of `field`: `acn` is W, Y, Z, X, `fuma` is W, X, Y, Z.
        normalization: `sn3d`, `n3d` (first order larger by sqrt 3) or `fuma` (W smaller by sqrt 2).

    Returns:
        (4, T): W, Y, Z, X in SN3D.

    Raises:
        ValueError: The field does not have four channels.
    """
    field = np.asarray(field)
    if field.ndim != 2 or len(field) != 4:
        raise ValueError(f"a first-order field has the shape (4, T), not {field.shape}")
    w, first = _SCALES[normalization]
    scale = np.array([w, first, first, first], field.dtype if field.dtype.kind == "f" else float)
    return np.asarray(field[list(_POSITIONS[order])] * scale[:, None])


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """Matrix that turns coordinates of the recording into those of a camera (or head) that was turned.

    The camera is first turned left by `yaw` about z, then up by `pitch`, then clockwise as seen from behind by `roll`.

    Args:
        yaw: Degrees, positive turns left: what stood at that azimuth is then in front.
        pitch: Degrees, positive turns up.
        roll: Degrees, positive lowers the right side.

    Returns:
        (3, 3), acts on column vectors (x, y, z): a direction of the recording becomes a direction of the camera.
    """
    yaw, pitch, roll = np.radians([yaw, pitch, roll])
    about_z = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(pitch), 0, np.sin(pitch)], [0, 1, 0], [-np.sin(pitch), 0, np.cos(pitch)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(roll), np.sin(roll)], [0, -np.sin(roll), np.cos(roll)]])
    return np.asarray(about_x @ about_y @ about_z)


def rotate(field: Floats, yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Floats:
    """Turn the listener within a field, as the camera is turned by `rotation`.

    Args:
        field: (4, T): W, Y, Z, X.
        yaw: Degrees, positive turns left.
        pitch: Degrees, positive turns up.
        roll: Degrees, positive lowers the right side.

    Returns:
        (4, T).
    """
    if not (yaw or pitch or roll):
        return field
    # Channels are stored as y, z, x.
    matrix = rotation(yaw, pitch, roll)[np.ix_([1, 2, 0], [1, 2, 0])].astype(field.dtype)
    return np.concatenate([field[:1], matrix @ field[1:]])


@dataclass(frozen=True)
class Directions:
    """Direction of arrival over time.

    Attributes:
        times: (K,), middles of the blocks, s.
        azimuth: (K,), degrees, positive is left.
        directness: (K,), length of the mean intensity vector over the energy density: 1 for a plane wave, 0 for a
            diffuse field.
        energy: (K,), mean energy density of the block.
    """

    times: Floats
    azimuth: Floats
    directness: Floats
    energy: Floats


def banded_blocks(field: Floats, rate: int, seconds: float, band: tuple[float, float]) -> Floats:
    """Filter a field, and cut it into blocks.

    Args:
        field: (4, T): W, Y, Z, X.
        rate: Sample rate, Hz.
        seconds: Length of a block.
        band: Lowest and highest frequency, Hz; the highest is at most 0.45 of the rate.

    Returns:
        (4, K, B), the complete blocks; the rest of the field is left out.
    """
    top = min(band[1], 0.45 * rate)
    banded = sosfilt(butter(4, (band[0], top), "bandpass", fs=rate, output="sos"), field, axis=-1)
    block = round(seconds * rate)
    count = banded.shape[-1] // block
    return np.asarray(banded[:, : count * block].reshape(4, count, block))


def directions(
    field: Floats, rate: int, seconds: float = 0.25, band: tuple[float, float] = (200.0, 4000.0)
) -> Directions:
    """Azimuth of the active intensity vector, block by block (Merimaa and Pulkki 2005).

    Args:
        field: (4, T): W, Y, Z, X.
        rate: Sample rate, Hz.
        seconds: Length of a block.
        band: Lowest and highest frequency, Hz; below it rumble, above it a microphone's aliasing point elsewhere.

    Returns:
        One value for each complete block; the rest of the field is left out.
    """
    blocks = banded_blocks(field, rate, seconds, band)
    _, count, block = blocks.shape
    flow = (blocks[:1] * blocks[1:]).mean(-1)
    energy = 0.5 * (blocks**2).sum(0).mean(-1)
    length = np.linalg.norm(flow, axis=0)
    return Directions(
        times=(np.arange(count) + 0.5) * block / rate,
        azimuth=np.degrees(np.arctan2(flow[0], flow[2])),
        directness=np.divide(length, energy, out=np.zeros(count), where=energy > 0),
        energy=energy,
    )
