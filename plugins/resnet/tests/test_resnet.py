"""The ResNet encoder: shapes, normalisation, weights from files only, and clear words where something is missing."""

from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from avspatial_resnet.encoder import ResnetEncoder
from avspatial_resnet.settings import ResnetSettings
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from avspatial.errors import PluginError, RunError
from avspatial.interfaces import FeatureShape
from avspatial.registry import discover

SMALL = "test_resnet"  # timm's own network for tests: half a megabyte


def encoder(**settings: object) -> ResnetEncoder:
    return ResnetEncoder(ResnetSettings.model_validate({"backbone": SMALL, "pretrained": False, **settings}))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "weights.safetensors"
    save_file(timm.create_model(SMALL).state_dict(), path)
    return path


@pytest.fixture
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def test_a_recipe_finds_it_by_its_name() -> None:
    registry = discover([Path(__file__).parents[1]])
    assert registry.get("visual_encoder", "resnet").id == "resnet.resnet"


def test_paper_size() -> None:
    """ResNet-18 at MONO2BINAURAL's picture size gives 512 x 7 x 14 (systems of the paper)."""
    assert encoder(backbone="resnet18").shape(1, 224, 448) == FeatureShape(512, 1, 7, 14)


@pytest.mark.parametrize("backbone", [SMALL, "test_efficientnet", "test_convnext"])
@pytest.mark.parametrize(("pictures", "average"), [(1, 1), (4, 4), (5, 2)])
@pytest.mark.parametrize("size", [(64, 96), (80, 65)])
def test_declared_shape_is_the_shape(backbone: str, pictures: int, average: int, size: tuple[int, int]) -> None:
    model = encoder(backbone=backbone, average=average)
    shape = model.shape(pictures, *size)
    features = model(torch.rand(2, pictures, 3, *size))
    assert features.shape == (2, shape.channels, shape.images, shape.height, shape.width)
    assert model.training


def test_features_are_those_of_timm_picture_by_picture() -> None:
    model = encoder(average=2).eval()
    complete = timm.create_model(SMALL).eval()
    complete.load_state_dict(model.network.state_dict(), strict=False)
    images = torch.rand(1, 4, 3, 64, 64)
    with torch.no_grad():
        # this network's configuration says mean 0.5 and deviation 0.5
        each = [complete.forward_features(images[:, n] * 2 - 1) for n in range(4)]
        expected = torch.stack([(each[0] + each[1]) / 2, (each[2] + each[3]) / 2], 2)
        torch.testing.assert_close(model(images), expected)


def test_clips_do_not_mix() -> None:
    model = encoder(average=2).eval()
    images = torch.rand(3, 2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images)[1:2], model(images[1:2]))


@pytest.mark.parametrize("backbone", [SMALL, "test_convnext", "test_efficientnet"])
def test_every_parameter_learns(backbone: str) -> None:
    model = encoder(backbone=backbone)
    model(torch.rand(2, 2, 3, 64, 64)).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_black_pictures_are_finite() -> None:
    assert encoder()(torch.zeros(2, 1, 3, 64, 64)).isfinite().all()


def test_weights_from_a_file(saved: Path) -> None:
    weights = load_file(saved)
    for name, tensor in encoder(pretrained=str(saved)).network.state_dict().items():
        assert torch.equal(tensor, weights[name])


def test_timms_own_weights_are_taken_from_the_cache(saved: Path, empty_caches: Path) -> None:
    repository = empty_caches / "hub" / "models--timm--test_resnet.r160_in1k"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    saved.rename(snapshot / "model.safetensors")
    model, scratch = encoder(pretrained=True), encoder()
    assert not torch.equal(model.network.state_dict()["conv1.0.weight"], scratch.network.state_dict()["conv1.0.weight"])


def test_missing_weights_of_timm_say_how_to_fetch_them(empty_caches: Path) -> None:
    with pytest.raises(RunError) as error:
        encoder(backbone="resnet18", pretrained=True)
    assert str(error.value) == (
        "model.visual_encoder.pretrained: timm's weights of resnet18 are not on this machine, and a run downloads "
        "nothing\n  Fetch them once, with a network: "
        "python -c \"import timm; timm.create_model('resnet18', pretrained=True)\"\n"
        "  Name a file (pretrained: PATH), or train from scratch (pretrained: false)."
    )


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RunError) as error:
        encoder(pretrained=str(tmp_path / "nothing.pth"))
    assert str(error.value) == (
        f"{tmp_path}/nothing.pth: there is no such file of pretrained weights\n"
        "  Name a file (pretrained: PATH), or train from scratch (pretrained: false)."
    )


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"one.weight": torch.zeros(3)}, path)
    with pytest.raises(RunError) as error:
        encoder(pretrained=str(path))
    message = str(error.value)
    assert message.startswith(f"{path}: not the weights of test_resnet: Error(s) in loading state_dict for ResNet: ")
    assert message.endswith("\n  Name a file (pretrained: PATH), or train from scratch (pretrained: false).")


def test_a_file_of_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"conv1.0.weight": Path("x")}, path)
    with pytest.raises(RunError, match="not the weights of test_resnet"):
        encoder(pretrained=str(path))


def test_unknown_backbone() -> None:
    with pytest.raises(PluginError) as error:
        encoder(backbone="resnet81")
    assert str(error.value) == (
        "model.visual_encoder.backbone: timm has no network 'resnet81'; did you mean 'resnet18'?\n"
        "  `python -c \"import timm; print(timm.list_models('*resnet*'))\"` lists names."
    )


def test_a_network_of_another_picture_size() -> None:
    with pytest.raises(PluginError) as error:
        encoder(backbone="vit_tiny_patch16_224").shape(1, 64, 64)
    assert str(error.value) == (
        "model.visual_encoder.backbone: vit_tiny_patch16_224 cannot take pictures of 64 x 64: "
        "Input height (64) doesn't match model (224).\n  Choose a convolutional network, such as resnet18."
    )


def test_a_network_without_maps() -> None:
    with pytest.raises(PluginError) as error:
        encoder(backbone="swin_tiny_patch4_window7_224").shape(1, 224, 224)
    assert str(error.value) == (
        "model.visual_encoder.backbone: swin_tiny_patch4_window7_224 makes no feature maps (B, C, H, W)\n"
        "  Choose a convolutional network, such as resnet18."
    )


def test_pretrained_is_never_guessed() -> None:
    with pytest.raises(ValidationError, match="pretrained"):
        ResnetSettings.model_validate({})
