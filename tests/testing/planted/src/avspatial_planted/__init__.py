"""Bad components, each with one mistake: the one that the check of its name is there to find."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl

PLANTED = {
    "visual_encoder": (
        "construct",
        "shapes",
        "finite",
        "learns",
        "pictures_matter",
        "deterministic",
        "items_independent",
        "inputs_untouched",
        "state_survives",
        "bfloat16",
        "seeded",
        "devices_agree",
    ),
    "audio_encoder": ("shapes", "sound_matters"),
    "mask_generator": ("shapes", "pictures_matter"),
    "discriminator": ("shapes", "pictures_matter"),
    "spatializer": (
        "shapes",
        "learns",
        "pictures_matter",
        "lengths_kept",
        "truth_unseen",
        "sides_seen",
        "mixture_kept",
    ),
    "metric": (
        "construct",
        "declared",
        "repeatable",
        "identity_best",
        "worse_with_error",
        "gain_as_declared",
        "delay_as_declared",
        "symmetric",
        "finite_on_silence",
        "refuses_unequal_lengths",
        "refuses_nan",
    ),
    "trainer": (
        "construct",
        "terms_scalar",
        "stages_whole",
        "groups_complete",
        "phases_apart",
        "improves",
        "validation_changes_nothing",
        "batch_untouched",
        "state_survives",
    ),
    "dataset": (
        "construct",
        "clips_readable",
        "lengths_agree",
        "splits_disjoint",
        "order_fixed",
        "unknown_split_refused",
        "truth_whole",
    ),
}
SETTINGS = {"trainer": "TrainerLike", "dataset": "OnScenes"}


def _component(kind: str, check: str) -> Component:
    settings = "Plain" if (kind, check) == ("trainer", "construct") else SETTINGS.get(kind, "Plain")
    return Component(
        kind=kind,
        name=check,
        version="1",
        config=f"avspatial_planted.settings:{settings}",
        target=f"avspatial_planted.{kind}:{check.title().replace('_', '')}",
        summary=f"What `{check}` must find",
    )


@hookimpl
def avspatial_components() -> list[Component]:
    return [_component(kind, check) for kind, checks in PLANTED.items() for check in checks]
