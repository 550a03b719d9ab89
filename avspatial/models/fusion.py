"""Fusion of SAGM and MONO2BINAURAL: visual features as channels, tiled over the audio feature map."""

from __future__ import annotations

from torch import Tensor, nn

from avspatial.interfaces import FeatureShape


class TiledVisual(nn.Module):
    """Visual features (B, C, N', H', W') -> `channels` constant maps of a given size.

    SAGM flattens all of C3D's 512 x 7 x 7 features, which would give the first up-convolution 210 million parameters.
    So a 1x1 convolution with batch normalisation and ReLU first reduces C, as in MONO2BINAURAL.
    """

    def __init__(self, visual: FeatureShape, reduced: int) -> None:
        super().__init__()
        self.channels = reduced * visual.images * visual.height * visual.width
        self.reduce = nn.Sequential(nn.Conv2d(visual.channels, reduced, 1), nn.BatchNorm2d(reduced), nn.ReLU())

    def forward(self, visual: Tensor, size: tuple[int, int]) -> Tensor:
        """visual (B, C, N', H', W') -> (B, channels, *size), the same vector at every position.

        visual (B, S, C, N', H', W') with S the width of `size`: each column has its own vector.
        """
        if visual.ndim == 6:
            vectors = self._vectors(visual.flatten(0, 1)).unflatten(0, visual.shape[:2])
            return vectors.transpose(1, 2)[:, :, None].expand(-1, -1, *size)
        return self._vectors(visual)[:, :, None, None].expand(-1, -1, *size)

    def _vectors(self, visual: Tensor) -> Tensor:
        reduced: Tensor = self.reduce(visual.flatten(2, 3))
        return reduced.flatten(1)
