"""SAGM's discriminator: what it sees, what it says."""

import pytest
import torch
from torch.nn import functional as f

from avspatial.errors import RecipeError
from avspatial.interfaces import FeatureShape
from avspatial.models.discriminator import VisualPatchDiscriminator
from avspatial.models.settings import VisualPatchSettings

VISUAL = FeatureShape(12, 1, 2, 3)


def discriminator(visual: FeatureShape | None = VISUAL, sees: bool = True) -> VisualPatchDiscriminator:
    torch.manual_seed(0)
    return VisualPatchDiscriminator(VisualPatchSettings(visual=sees, width=1 / 16), visual=visual)


@pytest.fixture
def seen() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(3, 2, 64, 32), torch.randn(3, 12, 1, 2, 3)


def test_one_logit_a_clip(seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    judgement = discriminator()(*seen)
    assert judgement.logits.shape == (3,)
    assert [tuple(m.shape[1:]) for m in judgement.features] == [
        (4, 32, 16),
        (8, 16, 8),
        (16, 8, 4),
        (32, 4, 2),
        (32, 2, 1),
    ]


def test_after_the_encoder_two_convolutions_and_an_average(seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = discriminator().eval()
    difference, visual = seen
    w = model.state_dict()
    v = f.conv2d(visual[:, :, 0], w["fusion.reduce.0.weight"], w["fusion.reduce.0.bias"]) / (1 + 1e-5) ** 0.5
    v = f.relu(v * w["fusion.reduce.1.weight"][:, None, None]).reshape(3, -1, 1, 1)
    x = torch.cat((v.repeat(1, 1, 2, 1), model.encoder(difference)[-1]), 1)
    x = f.conv2d(x, w["patch.0.weight"], w["patch.0.bias"], padding=1) / (1 + 1e-5) ** 0.5
    x = f.leaky_relu(x * w["patch.1.weight"][:, None, None], 0.2)
    x = f.conv2d(x, w["patch.3.weight"], w["patch.3.bias"], padding=1)
    torch.testing.assert_close(model(*seen).logits, x.flatten(1).mean(1))


def test_the_pictures_count(seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = discriminator().eval()
    difference, visual = seen
    assert not torch.allclose(model(difference, visual).logits, model(difference, visual.flip(0)).logits, atol=1e-7)


def test_blind_it_needs_no_pictures(seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    blind = discriminator(sees=False).eval()
    difference, visual = seen
    assert torch.equal(blind(difference, visual).logits, blind(difference, None).logits)
    assert blind.fusion is None


def test_clips_do_not_mix(seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = discriminator().eval()
    torch.testing.assert_close(model(*seen).logits[1:2], model(*(x[1:2] for x in seen)).logits)


def test_every_parameter_learns(seen: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = discriminator()
    model(*seen).logits.square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert all(p.grad is not None and p.grad.any() for p in model.parameters() if p.ndim > 1)


def test_a_model_without_pictures_needs_a_blind_discriminator() -> None:
    with pytest.raises(RecipeError) as error:
        discriminator(visual=None)
    assert str(error.value) == (
        "trainer.discriminator.visual: the discriminator is to see images, but the model has no visual encoder\n"
        "  Set visual: false for the discriminator, or give the model a visual encoder."
    )
