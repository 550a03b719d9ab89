"""SAGM's VideoNet: layers, pools, what it expects of pictures, and its published weights."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as f

from avspatial.errors import RunError
from avspatial.interfaces import FeatureShape
from avspatial.models.c3d import C3d
from avspatial.models.pretrained import load_c3d
from avspatial.models.settings import C3dSettings

WIDTH = 1 / 16
NAMES = ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b")
NUMBERS = (0, 3, 6, 8, 11, 13, 16, 18)
FIX = "\n  Name another file, or set pretrained: false to train from scratch."


def c3d(width: float = WIDTH, **settings: object) -> C3d:
    torch.manual_seed(0)
    return C3d(C3dSettings.model_validate({"pretrained": False, "width": width, **settings}))


def written_out(x: Tensor, w: dict[str, Tensor], pools: dict[str, tuple[int, int, int]]) -> Tensor:
    """x (B, 3, N, H, W), blue first, as the first layer sees it -> features: the layers of the paper one by one."""
    for name in NAMES:
        x = f.relu(f.conv3d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=1, padding=1))
        if name in pools:
            x = f.max_pool3d(x, kernel_size=pools[name], stride=pools[name])
    return x


LATE = {"conv1": (1, 2, 2), "conv2": (1, 2, 2), "conv3b": (1, 2, 2), "conv4b": (2, 2, 2), "conv5b": (2, 2, 2)}
EARLY = {"conv1": (1, 2, 2), "conv2": (2, 2, 2), "conv3b": (2, 2, 2), "conv4b": (1, 2, 2), "conv5b": (1, 2, 2)}


def blue_first(images: Tensor) -> Tensor:
    red, green, blue = (images[:, :, c] * 255 for c in range(3))
    return torch.stack((blue - 90.25, green - 97.66, red - 101.41), 1)


@pytest.fixture(scope="module")
def paper() -> C3d:
    return c3d(width=1.0)


def test_convolution_parameters_of_the_paper(paper: C3d) -> None:
    assert sum(p.numel() for p in paper.parameters()) == 27_655_936
    names = {name for name, _ in paper.named_parameters()}
    assert names == {f"{name}.{kind}" for name in NAMES for kind in ("weight", "bias")}


def test_features_of_the_paper(paper: C3d) -> None:
    assert paper.shape(4, 224, 224) == FeatureShape(512, 1, 7, 7)
    assert paper.shape(4, 224, 448) == FeatureShape(512, 1, 7, 14)


@pytest.mark.parametrize("size", [(4, 32, 32), (4, 64, 96), (9, 70, 40)])
@pytest.mark.parametrize("pooling", ["late", "early"])
def test_declared_shape_is_the_shape(size: tuple[int, int, int], pooling: str) -> None:
    model = c3d(pooling=pooling)
    pictures, height, width = size
    shape = model.shape(*size)
    features = model(torch.rand(2, pictures, 3, height, width))
    assert features.shape == (2, shape.channels, shape.images, shape.height, shape.width)


@pytest.mark.parametrize(("pooling", "pools"), [("late", LATE), ("early", EARLY)])
def test_equals_the_layers_written_out(pooling: str, pools: dict[str, tuple[int, int, int]]) -> None:
    model, images = c3d(pooling=pooling), torch.rand(2, 8, 3, 64, 64)
    expected = written_out(blue_first(images) / 58, dict(model.named_parameters()), pools)
    torch.testing.assert_close(model(images), expected)


def test_from_scratch_features_start_near_unit_size() -> None:
    features = c3d(width=0.25)(torch.rand(2, 4, 3, 64, 64))
    assert 0.05 < features.square().mean().sqrt() < 5


def test_clips_do_not_mix() -> None:
    model, images = c3d(), torch.rand(3, 4, 3, 32, 32)
    torch.testing.assert_close(model(images)[1:2], model(images[1:2]))


def test_black_pictures_are_finite() -> None:
    assert c3d()(torch.zeros(1, 4, 3, 32, 32)).isfinite().all()


def constant(model: C3d) -> dict[str, Tensor]:
    """Weights that take no room in a file: each tensor a single number, repeated."""
    return {
        name: torch.full((1,), 0.01 * (n + 1)).expand(p.shape) for n, (name, p) in enumerate(model.named_parameters())
    }


def test_both_published_files_are_read(paper: C3d, tmp_path: Path) -> None:
    weights = constant(paper)
    rest = {"fc6.weight": torch.zeros(2), "fc7.bias": torch.zeros(2), "fc8.weight": torch.zeros(2)}
    pickle = tmp_path / "c3d.pickle"
    torch.save({**weights, **rest}, pickle, _use_new_zipfile_serialization=False)  # as old as the file is
    numbered = {
        f"features.{number}.{kind}": weights[f"{name}.{kind}"]
        for name, number in zip(NAMES, NUMBERS, strict=True)
        for kind in ("weight", "bias")
    }
    torch.save({**numbered, "classifier.0.weight": torch.zeros(2)}, tmp_path / "c3d-pretrained.pth")
    for path in (pickle, tmp_path / "c3d-pretrained.pth"):
        model = c3d(width=1.0, pretrained=str(path))
        assert all(torch.equal(p, weights[name]) for name, p in model.named_parameters())


def test_pretrained_weights_see_the_pictures_they_were_trained_on(tmp_path: Path) -> None:
    """Everything zero but one weight: the output tells what came in."""
    weights = {name: torch.zeros(1).expand(p.shape) for name, p in c3d(width=1.0).named_parameters()}
    for name in NAMES:
        one = torch.zeros(weights[f"{name}.weight"].shape)
        one[0, 0, 1, 1, 1] = 1
        weights[f"{name}.weight"] = one
    torch.save(weights, tmp_path / "c3d.pickle")
    model = c3d(width=1.0, pretrained=str(tmp_path / "c3d.pickle"))
    images = torch.zeros(1, 4, 3, 32, 32)
    images[:, :, 2] = 200 / 255  # blue is the first channel
    assert model(images)[0, 0].item() == pytest.approx(200 - 90.25, abs=1e-3)


def test_weights_keep_the_input_they_learned_from_where_a_run_loads_them(tmp_path: Path) -> None:
    """A run's network is built anew without its file of pretrained weights, then filled with the run's own."""
    torch.save(constant(c3d(width=1.0)), tmp_path / "c3d.pickle")
    learned = c3d(width=1.0, pretrained=str(tmp_path / "c3d.pickle"))
    loaded = c3d(width=1.0)
    loaded.load_state_dict(learned.state_dict())
    images = torch.rand(1, 4, 3, 32, 32)
    assert torch.equal(loaded(images), learned(images))


def refusal(path: Path) -> str:
    with pytest.raises(RunError) as error:
        load_c3d(c3d(), path)
    return str(error.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RunError) as error:
        c3d(width=1.0, pretrained=str(tmp_path / "c3d.pickle"))
    assert str(error.value) == f"{tmp_path}/c3d.pickle: there is no such file of pretrained weights{FIX}"


def test_a_file_that_is_no_torch_file(tmp_path: Path) -> None:
    path = tmp_path / "c3d.pickle"
    path.write_bytes(b"<html>not found</html>")
    assert refusal(path) == f"{path}: not a readable torch file of weights alone{FIX}"


def test_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "c3d.pickle"
    torch.save(dict(c3d().named_parameters()), path)
    path.write_bytes(path.read_bytes()[:5000])
    assert refusal(path) == f"{path}: not a readable torch file of weights alone{FIX}"


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "c3d.pickle"
    torch.save({"conv1.weight": Path("anything that is no tensor")}, path)
    assert refusal(path) == f"{path}: not a readable torch file of weights alone{FIX}"


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "c3d.pickle"
    torch.save({"epoch": 3}, path)
    assert refusal(path) == f"{path}: holds something other than named tensors{FIX}"


def test_every_difference_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c3d.pickle"
    weights = {name: p.detach() for name, p in c3d().named_parameters()}
    del weights["conv1.weight"], weights["conv5b.bias"]
    weights["conv2.bias"] = torch.zeros(3)
    weights["features.1.weight"] = torch.zeros(1)
    torch.save(weights, path)
    assert refusal(path) == (
        f"{path}: other weights than C3d's: missing: conv1.weight, conv5b.bias; not expected: features.1.weight; "
        f"of another shape: conv2.bias is (3,) instead of (8,){FIX}"
    )


def test_weights_of_another_network_are_listed_in_short(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save({f"layer{n}.weight": torch.zeros(1) for n in range(6)}, path)
    assert refusal(path) == (
        f"{path}: other weights than C3d's: "
        "missing: conv1.weight, conv1.bias, conv2.weight, conv2.bias and 12 more; "
        f"not expected: layer0.weight, layer1.weight, layer2.weight, layer3.weight and 2 more{FIX}"
    )


def test_pretrained_is_never_guessed() -> None:
    with pytest.raises(ValidationError, match="pretrained"):
        C3dSettings.model_validate({})


def test_pretrained_weights_have_the_papers_width() -> None:
    with pytest.raises(ValidationError, match=r"pretrained weights need width 1, not 0\.125"):
        C3dSettings.model_validate({"pretrained": "c3d.pickle", "width": 0.125})
