"""Each trainer: what it minimises, and which parameters each of its phases updates."""

import pytest
import torch
from support.tiny_training import (
    FRAMING,
    BuiltIn,
    Scenes,
    gan_settings,
    supervised_settings,
    trainer,
)
from torch import nn

from avspatial.errors import PluginError
from avspatial.interfaces import Spatializer
from avspatial.signal import stereo
from avspatial.training.shared_visual_gan import SharedVisualGan

BATCH = Scenes().batch(0, [0, 1, 2, 3])


class Plain(Spatializer):
    """A spatializer without masks."""

    def __init__(self) -> None:
        super().__init__(None, framing=FRAMING, builder=BuiltIn())
        self.side = nn.Parameter(torch.tensor(0.0))

    def spatialize(self, mixture, visual):
        return stereo.stereo(mixture, self.side * mixture)


def updated(model, phase: str) -> set[str]:
    """The parts of a trainer whose parameters one update in `phase` moves."""
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameter_groups(phase))
    model.train()
    model.zero_grad(set_to_none=True)
    model(BATCH, phase)["total"].backward()
    optimizer.step()
    moved = [name for name, value in model.named_parameters() if not torch.equal(value, before[name])]
    return {".".join(name.split(".")[:2]) if name.startswith("spatializer") else name.split(".")[0] for name in moved}


GENERATOR = {"spatializer.audio_encoder", "spatializer.mask_generator"}
VIDEO_NET = {"spatializer.visual_encoder"}


@pytest.mark.parametrize(
    ("settings", "discriminator", "generator"),
    [
        ({}, {"discriminator"} | VIDEO_NET, GENERATOR | VIDEO_NET),
        ({"shared": False}, {"discriminator", "own_encoder"}, GENERATOR | VIDEO_NET),
        ({"blind": True}, {"discriminator"}, GENERATOR | VIDEO_NET),
        ({"blind": True, "shared": False}, {"discriminator"}, GENERATOR | VIDEO_NET),
    ],
    ids=["shared", "not shared", "blind", "blind, not shared"],
)
def test_each_phase_of_the_gan_updates_its_side_and_both_the_shared_encoder(settings, discriminator, generator) -> None:
    model = trainer(gan_settings(**settings))
    assert model.phases == ("discriminator", "generator")
    assert updated(model, "discriminator") == discriminator
    assert updated(model, "generator") == generator


def test_the_gan_trains_a_model_without_pictures() -> None:
    model = trainer(gan_settings(blind=True), pictures=False)
    assert updated(model, "discriminator") == {"discriminator"}
    assert updated(model, "generator") == GENERATOR


def test_a_phase_computes_no_gradient_for_the_other_sides_parameters() -> None:
    model = trainer(gan_settings())
    model(BATCH, "generator")["total"].backward()
    assert all(parameter.grad is None for parameter in model.discriminator.parameters())
    assert all(parameter.requires_grad for parameter in model.discriminator.parameters())
    model.zero_grad(set_to_none=True)
    model(BATCH, "discriminator")["total"].backward()
    assert all(parameter.grad is None for parameter in model.spatializer.mask_generator.parameters())


def test_the_gans_losses_are_those_of_its_definition() -> None:
    model = trainer(gan_settings(l1_weight=30, adversarial_weight=2)).eval()  # fixed batch statistics
    masking, judge = model.spatializer, model.discriminator
    with torch.no_grad():
        visual = masking.encode_images(BATCH.images)
        left, right = BATCH.reference.unbind(1)
        truth = masking.spectrogram(left - right)
        generated = masking.difference_spectrogram(masking.spectrogram(BATCH.mixture), visual)
        on_truth = torch.sigmoid(judge(truth, visual).logits)
        on_generated = torch.sigmoid(judge(generated, visual).logits)
        first, second = model(BATCH, "discriminator"), model(BATCH, "generator")
    real, fake = -on_truth.log().mean(), -(1 - on_generated).log().mean()
    l1, fooled = (generated - truth).abs().mean(), -on_generated.log().mean()
    right = ((on_truth > 0.5).float().mean() + (on_generated <= 0.5).float().mean()) / 2
    torch.testing.assert_close(first, {"real": real, "fake": fake, "accuracy": right, "total": real + fake})
    torch.testing.assert_close(second, {"l1": l1, "adversarial": fooled, "total": 30 * l1 + 2 * fooled})
    torch.testing.assert_close(model.validate(BATCH), {"l1": l1, "total": l1}, check_stride=False)


def test_the_discriminator_may_be_updated_more_often() -> None:
    model = trainer(gan_settings(discriminator_updates=3))
    assert model.phases == ("discriminator",) * 3 + ("generator",)


def test_the_gan_refuses_a_spatializer_without_masks() -> None:
    with pytest.raises(PluginError) as problem:
        SharedVisualGan(gan_settings(), spatializer=Plain(), builder=BuiltIn())
    assert str(problem.value) == (
        "trainer: the trainer shared_visual_gan needs a spatializer that predicts a difference spectrogram, "
        "and Plain does not\n  Use the spatializer masking, or the trainer supervised."
    )


@pytest.mark.parametrize("loss", ["mse", "l1"])
def test_supervised_learning_minimises_the_spatializers_own_terms(loss: str) -> None:
    model = trainer(supervised_settings(loss=loss)).eval()
    with torch.no_grad():
        terms = model.spatializer.loss_terms(BATCH, loss)
        torch.testing.assert_close(model(BATCH, "model"), {**terms, "total": sum(terms.values())})
        torch.testing.assert_close(model.validate(BATCH), model(BATCH, "model"))


def test_supervised_learning_updates_the_entire_spatializer() -> None:
    assert updated(trainer(supervised_settings()), "model") == GENERATOR | VIDEO_NET


def test_the_pictures_side_may_learn_at_a_rate_of_its_own() -> None:
    model = trainer(supervised_settings(lr=1e-3, lr_visual=1e-4, weight_decay=0.5))
    slow, fast = sorted(model.parameter_groups("model"), key=lambda group: group["lr"])
    assert (slow["lr"], fast["lr"]) == (1e-4, 1e-3)
    assert {id(p) for p in slow["params"]} == {id(p) for p in model.spatializer.visual_encoder.parameters()}
    assert len(slow["params"]) + len(fast["params"]) == len(list(model.parameters()))
    assert slow["weight_decay"] == fast["weight_decay"] == 0.5


def test_frozen_parameters_are_left_alone() -> None:
    model = trainer(supervised_settings())
    model.spatializer.visual_encoder.requires_grad_(False)
    assert updated(model, "model") == GENERATOR


def test_a_blind_discriminator_with_pictures_gives_the_encoder_no_gradient() -> None:
    model = trainer(gan_settings(blind=True))
    model(BATCH, "discriminator")["total"].backward()
    assert all(parameter.grad is None for parameter in model.spatializer.visual_parameters())
