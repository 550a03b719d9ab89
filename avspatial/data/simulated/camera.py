"""Images of a scene: a pinhole camera that faces forward, and a sprite for every object.

A sprite is painted by tests on its own coordinates (u right, v up, both about -1 to 1), with edges softened over one
pixel: its position is not bound to pixels, and its middle is exactly at the projection of its azimuth. All shapes are
symmetrical in u.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from avspatial.data.simulated.scene import Scene, SceneObject
from avspatial.data.simulated.settings import SimulatedSettings

Layer = tuple[np.ndarray, tuple[int, int, int]]
"""Depth inside a shape (positive inside, in sprite units) and its colour."""

SIZE_AT_ONE_METRE = 0.42
"""Height of a sprite at 1 m, as a share of the image's height."""
SMALLEST, LARGEST = 0.18, 0.6
"""Bounds of that share, so that near and far objects stay visible when the image is scaled down."""


def column(azimuth: float | np.ndarray, width: int, field_of_view: float) -> np.ndarray:
    """Projection of azimuths: degrees, positive is left -> pixels from the left edge of the image."""
    focal = width / 2 / np.tan(np.radians(field_of_view / 2))
    return width / 2 - focal * np.tan(np.radians(azimuth))


@dataclass(frozen=True)
class Camera:
    """Paints the images of scenes. `cutouts` maps a kind to its own image (H, W, 4) uint8, RGB and alpha."""

    settings: SimulatedSettings
    cutouts: Mapping[str, np.ndarray]

    def render_frames(self, scene: Scene, loudness: Mapping[int, np.ndarray]) -> np.ndarray:
        """Images (P, H, W, 3) uint8 at the settings' rate; `loudness[i]` (P,) in [0, 1] is how item i sounds."""
        random = np.random.default_rng(scene.seed)
        height, width = self.settings.picture
        times = np.arange(max(1, round(self.settings.seconds * self.settings.fps))) / self.settings.fps
        background = _background(random, height, width, self.settings.background)
        sway = 1 + self.settings.brightness * np.sin(2 * np.pi * (times / random.uniform(2, 8) + random.random()))
        order = sorted(range(len(scene.objects)), key=lambda i: -scene.objects[i].distance)
        images = np.empty((len(times), height, width, 3), np.uint8)
        for index, time in enumerate(times):
            canvas = background.copy()
            for number in order:
                level = float(loudness[number][index]) if number in loudness else 0.0
                self._paint(canvas, scene.objects[number], float(time), level)
            images[index] = np.clip(canvas * sway[index], 0, 255).round()
        return images

    def _paint(self, canvas: np.ndarray, item: SceneObject, time: float, level: float) -> None:
        """Paint an object onto a canvas (H, W, 3); it grows and jumps with its `level` in [0, 1]."""
        height, width = canvas.shape[:2]
        half = height / 2 * np.clip(SIZE_AT_ONE_METRE / item.distance, SMALLEST, LARGEST) * (1 + 0.15 * level)
        x = float(column(item.trajectory.at(time), width, self.settings.field_of_view))
        y = height * (0.5 - item.height) - 0.3 * half * level
        rows = slice(max(0, int(y - 1.2 * half)), min(height, int(y + 1.2 * half) + 2))
        columns = slice(max(0, int(x - 1.2 * half)), min(width, int(x + 1.2 * half) + 2))
        u = ((np.arange(columns.start, columns.stop) + 0.5 - x) / half)[None]
        v = ((y - np.arange(rows.start, rows.stop) - 0.5) / half)[:, None]
        patch = canvas[rows, columns]
        if item.kind in self.cutouts:
            colour, alpha = _cutout(self.cutouts[item.kind], u, v)
            patch += alpha * (colour - patch)
            return
        for depth, paint in SPRITES[item.kind](u, v, level):
            patch += np.clip(depth * half + 0.5, 0, 1)[..., None] * (np.array(paint, np.float32) - patch)


def _disc(u: np.ndarray, v: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    return radius - np.hypot(np.abs(u) - x, v - y)


def _box(u: np.ndarray, v: np.ndarray, x: float, y: float, width: float, height: float) -> np.ndarray:
    """A rectangle of half `width` and half `height` around (x, y), and its mirror image."""
    return np.minimum(width - np.abs(np.abs(u) - x), height - np.abs(v - y))


def _plucked(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A guitar: an orange body of two rounds, a long dark neck."""
    body = np.maximum(_disc(u, v, 0, -0.45, 0.55), _disc(u, v, 0, 0.1, 0.4))
    return [
        (_box(u, v, 0, 0.5, 0.12, 0.5), (90, 50, 25)),
        (body, (240, 140, 30)),
        (_disc(u, v, 0, -0.2, 0.18 + 0.1 * level), (60, 30, 10)),
    ]


def _blown(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A horn held up: a yellow cone, open below."""
    cone = np.minimum(0.12 + 0.55 * np.clip(-v, 0, 1) ** 1.5 - np.abs(u), 1 - np.abs(v))
    bell = np.minimum(0.7 - np.abs(u), 0.08 + 0.12 * level - np.abs(v + 0.9))
    return [(cone, (250, 225, 50)), (bell, (255, 255, 190))]


def _bar(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A metallophone: five upright cyan bars on a rail."""
    bars = np.maximum(
        _box(u, v, 0, 0, 0.12, 0.95), np.maximum(_box(u, v, 0.4, 0, 0.12, 0.75), _box(u, v, 0.8, 0, 0.12, 0.55))
    )
    return [
        (_box(u, v, 0, 0, 1, 0.12), (20, 60, 120)),
        (bars, (40 + int(120 * level), 210, 250)),
    ]


def _drum(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A drum: a red kettle under a white skin."""
    kettle = np.minimum(np.minimum(0.9 - np.hypot(u, (v - 0.3) * 0.75), 0.3 - v), v + 0.9)
    skin = 0.25 - np.hypot(u * 0.27, v - 0.3)
    return [(kettle, (220, 30, 40)), (skin, (255, 255 - int(100 * level), 255 - int(100 * level)))]


def _voice(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A singer: a pale head with a mouth that opens, green shoulders."""
    shoulders = np.minimum(0.85 - np.hypot(u, (v + 0.95) * 0.9), v + 0.95)
    return [
        (shoulders, (30, 170, 60)),
        (_disc(u, v, 0, 0.45, 0.48), (245, 205, 175)),
        (_disc(u, v, 0.18, 0.6, 0.07), (30, 30, 40)),
        (0.05 + 0.17 * level - np.hypot(u * 0.8, v - 0.25), (120, 10, 30)),
    ]


def _furniture_box(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A grey chest with two drawers."""
    return [(_box(u, v, 0, 0, 0.7, 0.85), (120, 120, 130)), (_box(u, v, 0, 0, 0.6, 0.04), (70, 70, 80))]


def _plant(u: np.ndarray, v: np.ndarray, level: float) -> list[Layer]:
    """A dark olive tree in a pot."""
    return [
        (_box(u, v, 0, -0.7, 0.3, 0.25), (110, 80, 70)),
        (0.75 - (np.abs(u) * 1.3 + np.abs(v - 0.2)), (75, 90, 45)),
    ]


SPRITES: Mapping[str, Callable[[np.ndarray, np.ndarray, float], list[Layer]]] = {
    "plucked": _plucked,
    "blown": _blown,
    "bar": _bar,
    "drum": _drum,
    "voice": _voice,
    "box": _furniture_box,
    "plant": _plant,
}


def _cutout(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A cut-out (H, W, 4) seen at u (1, X), v (Y, 1): its longer side spans -1 to 1 -> colour and alpha (Y, X, 3|1)."""
    height, width = image.shape[:2]
    half = max(height, width) / 2
    x, y = np.broadcast_arrays(width / 2 + u * half, height / 2 - v * half)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    colours = image[np.clip(y, 0, height - 1).astype(int), np.clip(x, 0, width - 1).astype(int)].astype(np.float32)
    return colours[..., :3], (colours[..., 3:] / 255) * inside[..., None]


def _background(random: np.random.Generator, height: int, width: int, kind: str) -> np.ndarray:
    """A dim wall (H, W, 3) float32: one colour, or blotches and grain over it."""
    colour = random.uniform(40, 80, 3)
    wall = np.tile(colour, (height, width, 1))
    if kind == "textured":
        coarse = random.standard_normal((6, 9, 3))
        wall += 10 * zoom(coarse, (height / 6, width / 9, 1), order=1)[:height, :width]
        wall += 6 * gaussian_filter(random.standard_normal((height, width)), 0.7)[..., None]
    return wall.astype(np.float32)
