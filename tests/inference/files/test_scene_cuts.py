"""Pictures as they are decoded: a window sees one scene, and only the pictures at hand are in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avspatial.data.windows import image_indices
from avspatial.framing import Window
from avspatial.inference.files.scene_cuts import FrameSignature, SceneImages
from avspatial.inference.visual_features import ClipImages

WINDOW = Window(seconds=1.0, fps=4, pictures=4, picture=(8, 8))


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((32, 32, 3), colour, np.uint8)


def film(*parts: tuple[tuple[int, int, int], int]) -> list[np.ndarray]:
    return [flat(colour) for colour, count in parts for _ in range(count)]


def groups(pictures: list[np.ndarray], hop: float = 0.1) -> list[tuple[float, tuple[int, ...]]]:
    scenes = SceneImages(iter(pictures), len(pictures))
    last = len(pictures) / WINDOW.fps - WINDOW.seconds
    return [(start, scenes.group(start, WINDOW)) for start in np.arange(0, last + 1e-9, hop)]


def test_without_a_cut_a_window_sees_what_training_showed_it() -> None:
    for start, group in groups(film(((10, 20, 30), 20))):
        assert group == tuple(image_indices(start, WINDOW, 20))


def test_no_window_sees_both_sides_of_a_cut() -> None:
    pictures = film(((200, 0, 0), 9), ((0, 0, 200), 11))
    scenes = SceneImages(iter(pictures), 20)
    for start in np.arange(0, 4.01, 0.05):
        group = scenes.group(start, WINDOW)
        middle = image_indices(start, WINDOW.model_copy(update={"pictures": 1}), 20)[0]
        assert {index < 9 for index in group} == {bool(middle < 9)}
    assert scenes.cuts == [9]


def test_the_nearest_picture_of_the_scene_stands_in_for_the_rest() -> None:
    scenes = SceneImages(iter(film(((200, 0, 0), 9), ((0, 0, 200), 11))), 20)
    assert scenes.group(1.5, WINDOW) == (6, 7, 8, 8)
    assert scenes.group(2.0, WINDOW) == (9, 9, 10, 11)


def landscape(height: int = 64, width: int = 96) -> np.ndarray:
    """Patches of a few colours, with some noise."""
    random = np.random.default_rng(0)
    patches = random.integers(0, 256, (height // 16, width // 16, 3))
    picture = np.repeat(np.repeat(patches, 16, 0), 16, 1) + random.normal(0, 6, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def cut_between(before: np.ndarray, after: np.ndarray) -> bool:
    return FrameSignature.of(after).is_cut_from(FrameSignature.of(before))


def test_motion_is_no_cut() -> None:
    assert not cut_between(landscape()[:, :64], landscape()[:, 16:80])


def test_a_change_of_light_is_no_cut() -> None:
    assert not cut_between(landscape(), np.minimum(landscape().astype(int) + 15, 255).astype(np.uint8))


def test_another_place_is_a_cut() -> None:
    assert cut_between(landscape(), 255 - landscape()[::-1])


def test_a_picture_that_never_changes_is_still() -> None:
    for pictures, still in ((film(((9, 9, 9), 8)), True), (film(((9, 9, 9), 4), ((30, 30, 30), 4)), False)):
        scenes = SceneImages(iter(pictures), 8)
        scenes.group(1.0, WINDOW)
        assert scenes.still is still


def test_only_the_pictures_at_hand_are_decoded_and_kept() -> None:
    given = []

    def endless() -> Iterator[np.ndarray]:
        for number in range(10_000):
            given.append(number)
            yield flat((number % 7, 0, 0))

    scenes = SceneImages(endless(), 10_000)
    for start in np.arange(0, 100, 0.1):
        group = scenes.group(start, WINDOW)
        scenes.take([group])
        assert len(given) <= group[-1] + 1
        assert len(scenes._kept) <= 6


def test_the_same_pictures_as_those_of_a_clip_in_memory() -> None:
    pictures = np.random.default_rng(3).integers(0, 40, (15, 8, 8, 3), dtype=np.uint8)
    clip, scenes = ClipImages(pictures), SceneImages(iter(pictures), 15)
    for start in (0.0, 0.3, 1.1, 2.5, 2.75):
        asked = [each.group(start, WINDOW) for each in (clip, scenes)]
        assert asked[0] == asked[1]
        np.testing.assert_array_equal(clip.take(asked[:1]), scenes.take(asked[1:]))
