"""Faulty components, each with the one fault that the check of its name must find.

`CHECK__FAULT` is a further fault for the same check. The component without a fault is called `good`: what a check finds
in the others is then their fault.
"""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl

_NETWORK = (
    "good",
    "construct",
    "shapes",
    "shapes__one_size",
    "finite",
    "learns",
    "deterministic",
    "items_independent",
    "inputs_untouched",
    "state_survives",
    "bfloat16",
    "seeded",
    "devices_agree",
)
PLANTED = {
    "visual_encoder": (*_NETWORK, "pictures_matter"),
    "audio_encoder": (*_NETWORK, "sound_matters"),
    "mask_generator": (*_NETWORK, "sound_matters", "pictures_matter", "shapes__sighted"),
    "discriminator": (*_NETWORK, "sound_matters", "pictures_matter"),
    "spatializer": (
        *_NETWORK,
        "sound_matters",
        "pictures_matter",
        "learns__loss",
        "lengths_kept",
        "truth_unseen",
        "sides_seen",
        "mixture_kept",
    ),
    "metric": (
        "good",
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
        "good",
        "construct",
        "terms_scalar",
        "stages_complete",
        "groups_complete",
        "phases_apart",
        "improves",
        "validation_changes_nothing",
        "batch_untouched",
        "state_survives",
    ),
    "dataset": (
        "good",
        "construct",
        "clips_readable",
        "clips_readable__random_yaw",
        "lengths_agree",
        "splits_disjoint",
        "order_fixed",
        "unknown_split_refused",
        "truth_complete",
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
        summary=f"What `{check.partition('__')[0]}` must find" if check != "good" else "Nothing to find",
    )


@hookimpl
def avspatial_components() -> list[Component]:
    return [_component(kind, check) for kind, checks in PLANTED.items() for check in checks]
