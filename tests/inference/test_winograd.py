"""A convolution over a few images with fewer products is the convolution; C3D's are replaced where it pays."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from avspatial.inference import winograd
from avspatial.inference.winograd import WinogradConv3d, is_replaceable


@pytest.fixture(autouse=True)
def small_maps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "LARGE", 1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("clips", [1, 3])
@pytest.mark.parametrize("images", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("channels", [3, 24])
def test_it_is_the_convolution(channels: int, images: int, clips: int, layout: torch.memory_format, bias: bool) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv3d(channels, 10, 3, padding=1, bias=bias).requires_grad_(False)
    x = torch.randn(clips, channels, images, 7, 9).contiguous(memory_format=layout)
    expected = convolution.double()(x.double()).float()
    found = WinogradConv3d(convolution.float())(x)
    torch.testing.assert_close(found, expected, atol=3e-5, rtol=0)


def test_it_has_fewer_products() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    convolution = nn.Conv3d(64, 64, 3, padding=1).requires_grad_(False)
    for images, share in ((4, 6 / 12), (2, 3 / 6)):
        counts = []
        for module in (convolution, WinogradConv3d(convolution)):
            with FlopCounterMode(display=False) as counter:
                module(torch.randn(1, 64, images, 8, 8))
            counts.append(counter.get_total_flops())
        assert share < counts[1] / counts[0] < share + 0.05  # the sums are a few


def test_in_bf16_it_leaves_the_work_to_the_convolution() -> None:
    convolution = nn.Conv3d(3, 4, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 3, 4, 5, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(WinogradConv3d(convolution)(x), convolution(x), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("change", "replaced"),
    [({}, True), ({"stride": 2}, False), ({"padding": 0}, False), ({"dilation": 2}, False), ({"groups": 2}, False),
     ({"kernel_size": (1, 3, 3)}, False), ({"padding_mode": "circular"}, False)],
)  # fmt: skip
def test_only_what_it_can_stand_for_is_replaced(change: dict[str, object], replaced: bool) -> None:
    assert is_replaceable(nn.Conv3d(4, 4, **({"kernel_size": 3, "padding": 1} | change))) is replaced  # type: ignore[arg-type]
