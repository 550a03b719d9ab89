"""Visual encoder of SAGM's ResNet ablation (arXiv 2311.07630, table 4) and of MONO2BINAURAL: a network of timm."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlparse

import timm
import torch
from huggingface_hub import constants, try_to_load_from_cache
from torch import Tensor

from avspatial.errors import PluginError, RunError
from avspatial.interfaces import FeatureShape, VisualEncoder
from avspatial_resnet.settings import ResnetSettings

ELSEWISE = "Name a file (pretrained: PATH), or train from scratch (pretrained: false)."


class ResnetEncoder(VisualEncoder):
    """Last feature maps of a timm network for each image, averaged over `average` consecutive images.

    PluginError for a network that timm does not have or without feature maps; RunError for missing or wrong weights.
    """

    options: ClassVar[Mapping[str, Any]] = {}
    """Further arguments of timm.create_model; for subclasses."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: ResnetSettings) -> None:
        super().__init__(settings)
        _check_name(settings.backbone)
        self.network = self._network(_weights(settings))
        self.channels = self.network.feature_info.channels()[-1]
        reduction = self.network.feature_info.reduction()[-1]
        self.reductions = (settings.average, reduction, reduction)
        for name in ("mean", "std"):
            value = torch.tensor(self.network.pretrained_cfg[name]).view(3, 1, 1)
            self.register_buffer(name, value, persistent=False)

    def shape(self, images: int, height: int, width: int) -> FeatureShape:
        """Shape of `forward`'s result, measured on one black image: networks round differently."""
        training = self.network.training
        self.network.eval()
        try:
            with torch.no_grad():
                maps = self.maps(torch.zeros(1, 3, height, width))
        except (RuntimeError, AssertionError, ValueError) as error:
            raise self._unfit(f"cannot take pictures of {height} x {width}: {error}") from error
        finally:
            self.network.train(training)
        if maps.ndim != 4 or maps.shape[1] != self.channels:
            raise self._unfit("makes no feature maps (B, C, H, W)")
        return FeatureShape(self.channels, images // self.settings.average, maps.shape[2], maps.shape[3])

    def forward(self, images: Tensor) -> Tensor:
        """images (B, N, 3, H, W) in [0, 1] -> features (B, C, N // average, H', W')."""
        maps = self.maps(((images - self.mean) / self.std).flatten(0, 1))
        maps = maps.reshape(*images.shape[:2], *maps.shape[1:])
        average = self.settings.average
        count = images.shape[1] // average
        groups = maps[:, : count * average].reshape(len(images), count, average, *maps.shape[2:])
        return groups.mean(2).transpose(1, 2)

    def maps(self, images: Tensor) -> Tensor:
        """images (B, 3, H, W), normalised -> last feature maps (B, C, H', W')."""
        last: Tensor = self.network(images)[-1]
        return last

    def _network(self, weights: Path | None) -> Any:
        """The network without its classifier, filled from a file if one is given; PluginError if timm refuses."""
        backbone = self.settings.backbone
        if weights:
            _check_weights(backbone, weights)
        try:
            return timm.create_model(
                backbone,
                pretrained=weights is not None,
                pretrained_cfg_overlay=_overlay(weights),
                features_only=True,
                out_indices=(-1,),
                **self.options,
            )
        except (TypeError, AssertionError, NotImplementedError) as error:
            options = ", ".join(f"{name} {value}" for name, value in self.options.items())
            raise self._unfit(f"cannot be built with {options}: {error}") from error

    def _unfit(self, why: str) -> PluginError:
        return PluginError(
            f"{self.settings.backbone} {why}",
            where="model.visual_encoder.backbone",
            fix="Choose a convolutional network, such as resnet18.",
        )


def _check_name(backbone: str) -> None:
    if not timm.is_model(backbone):
        near = get_close_matches(backbone, timm.list_models(), n=1)
        raise PluginError(
            f"timm has no network {backbone!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
            where="model.visual_encoder.backbone",
            fix="`python -c \"import timm; print(timm.list_models('*resnet*'))\"` lists names.",
        )


def _check_weights(backbone: str, weights: Path) -> None:
    """RunError if the file does not hold the network's weights.

    timm checks names and shapes of complete networks only; without the classifier it accepts anything.
    """
    try:
        timm.create_model(backbone, pretrained=True, pretrained_cfg_overlay=_overlay(weights))
    except Exception as error:  # a foreign file can fail in any way
        why = " ".join(str(error).split())[:200]
        raise RunError(f"not the weights of {backbone}: {why}", where=weights, fix=ELSEWISE) from error


def _overlay(weights: Path | None) -> dict[str, str] | None:
    return {"file": str(weights)} if weights else None


def _weights(settings: ResnetSettings) -> Path | None:
    """The file to load, None for none. RunError if it is not there."""
    if settings.pretrained is False:
        return None
    if settings.pretrained is not True:
        if not settings.pretrained.is_file():
            raise RunError("there is no such file of pretrained weights", where=settings.pretrained, fix=ELSEWISE)
        return Path(settings.pretrained)
    file = _cached(settings.backbone)
    if file is None:
        raise RunError(
            f"timm's weights of {settings.backbone} are not on this machine, and a run downloads nothing",
            where="model.visual_encoder.pretrained",
            fix="Fetch them once, with a network: "
            f'python -c "import timm; timm.create_model({settings.backbone!r}, pretrained=True)"\n  {ELSEWISE}',
        )
    return file


def _cached(backbone: str) -> Path | None:
    """File of a network's downloaded weights. timm itself would wait 50 s for the network to answer."""
    config = timm.get_pretrained_cfg(backbone)
    if config is None:
        return None
    if config.hf_hub_id:
        for name in (config.hf_hub_filename, "model.safetensors", "pytorch_model.bin"):
            file = name and try_to_load_from_cache(config.hf_hub_id, name, cache_dir=constants.HF_HUB_CACHE)
            if isinstance(file, str):
                return Path(file)
    name = Path(urlparse(config.url or "").path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    return path if name and path.is_file() else None
