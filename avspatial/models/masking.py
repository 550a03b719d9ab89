"""Masking spatializer, shared by SAGM and its baselines: a complex ratio mask turns the mixture into the difference."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.framing import Framing
from avspatial.interfaces import Batch, Builder, FeatureLevel, FeatureShape, Masks, Spatializer
from avspatial.models.settings import MaskingSettings
from avspatial.signal import stereo
from avspatial.signal.spectrogram import Spectrogram, apply_mask


class MaskingSpatializer(Spatializer):
    """Encodes images and the mixture's spectrogram and generates a mask; mask times mixture is the difference.

    SAGM, arXiv 2311.07630, eqs. 1-11. left + right is the mixture for any output of the networks.

    For trainers: `spectrogram`, `visual_encoder`, `visual_shape` (None without images), `difference_spectrogram`,
    `loss_terms_given`.

    Args:
        settings: The networks and the weights of the loss terms.
        framing: Window and STFT.
        builder: Builds the networks.

    Raises:
        RecipeError: The window's images or spectrogram do not fit the networks; raised before any data are read.
    """

    preserves_mixture = True
    local_in_time: ClassVar[bool] = True
    """Whether the masks of a frame depend only on frames near it, as `spatialize_along` requires. False for a subclass
    that overrides `masks`, unless it sets it. A `difference_spectrogram` that depends on distant frames sets it too."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "masks" in vars(cls) and "local_in_time" not in vars(cls):
            cls.local_in_time = False  # masks made in another way are not taken for local until the class says so

    def __init__(self, settings: MaskingSettings, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.spectrogram = Spectrogram(framing)
        self.visual_encoder: Any = None
        self.visual_shape: FeatureShape | None = None
        if settings.visual_encoder is not None:
            self.visual_encoder = builder.build(settings.visual_encoder)
            self.visual_shape = _visual_shape(self.visual_encoder, framing)
        self.audio_encoder = builder.build(settings.audio_encoder)
        check_planes(self.audio_encoder, self.planes, "model.audio_encoder")
        check_spectrogram(self.audio_encoder.levels, framing)
        self.mask_generator = builder.build(
            settings.mask_generator, levels=self.audio_encoder.levels, visual=self.visual_shape
        )

    @property
    def planes(self) -> int:
        """Number of planes that `audio_encoder` takes: the mixture's two."""
        return 2

    @property
    def valid_samples(self) -> int:
        """Number of samples from the start of a window that the inverse STFT restores."""
        return self.spectrogram.valid_samples

    def encode_images(self, images: Tensor) -> Tensor | None:
        """images (B, N, 3, H, W) in [0, 1] -> visual features (B, C, N', H', W'); None without a visual encoder."""
        return None if self.visual_encoder is None else self.visual_encoder(images)

    def masks(self, mixture: Tensor, visual: Tensor | None) -> Masks:
        """Generate the masks.

        Args:
            mixture: Spectrogram (B, 2, F, M).
            visual: Features from `encode_images`.

        Returns:
            Masks (B, 2, F, M).
        """
        masks: Masks = self.mask_generator(self.audio_encoder(mixture), visual, mixture)
        return masks

    def difference_spectrogram(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """Predict the difference.

        Args:
            mixture: Spectrogram (B, 2, F, M).
            visual: Features from `encode_images`.

        Returns:
            Spectrogram (B, 2, F, M).
        """
        return apply_mask(self.masks(mixture, visual).difference, mixture)

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, T) -> stereo (B, 2, T); after `valid_samples` samples both channels are half the mixture."""
        difference = self.difference_spectrogram(self.spectrogram(mixture), visual)
        return stereo.stereo(mixture, self.spectrogram.inverse(difference, mixture.shape[-1]))

    @property
    def frame_step(self) -> int | None:
        """Samples of one column at the bottleneck, where the visual features are joined."""
        if not (self.local_in_time and self.mask_generator.supports_variable_length):
            return None
        return int(self.audio_encoder.levels[-1].reduction * self.framing.stft.hop)

    def spatialize_along(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, T), T a multiple S of `frame_step`; visual (B, S, C, N', H', W') -> stereo (B, 2, T)."""
        spectrogram = self.spectrogram(mixture, mixture.shape[-1] // self.framing.stft.hop)
        difference = self.difference_spectrogram(spectrogram, visual)
        return stereo.stereo(mixture, self.spectrogram.inverse(difference, mixture.shape[-1]))

    def loss_terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        """Distance between the predicted and the true difference spectrogram.

        If the mask generator predicts left and right masks too, also the distances between the differences that follow
        from them and the true one (APNet).

        Args:
            batch: Training windows.
            loss: "l1" or "mse".

        Returns:
            Scalars by name.
        """
        return self.loss_terms_given(batch.mixture, batch.reference, self.encode_images(batch.images), loss)

    def loss_terms_given(
        self, mixture: Tensor, reference: Tensor, visual: Tensor | None, loss: str
    ) -> dict[str, Tensor]:
        """As `loss_terms`, from visual features.

        Args:
            mixture: (B, T).
            reference: (B, 2, T).
            visual: Features from `encode_images`.
            loss: "l1" or "mse".

        Returns:
            Scalars by name.
        """
        spectrogram = self.spectrogram(mixture)
        truth = self.spectrogram(stereo.difference(reference))
        return self.distances(self.masks(spectrogram, visual), spectrogram, truth, loss)

    def distances(self, masks: Masks, mixture: Tensor, truth: Tensor, loss: str) -> dict[str, Tensor]:
        """As `loss_terms`, from masks and spectrograms.

        Args:
            masks: Predicted masks.
            mixture: Spectrogram (B, 2, F, M) of the mixture.
            truth: Spectrogram (B, 2, F, M) of the true difference.
            loss: "l1" or "mse".

        Returns:
            Scalars by name.
        """
        distance = nn.functional.l1_loss if loss == "l1" else nn.functional.mse_loss
        terms = {"difference": distance(apply_mask(masks.difference, mixture), truth)}
        weight = self.settings.side_weight
        if masks.left is not None:
            implied = stereo.difference_by_left(mixture, apply_mask(masks.left, mixture))
            terms["left"] = weight * distance(implied, truth)
        if masks.right is not None:
            implied = stereo.difference_by_right(mixture, apply_mask(masks.right, mixture))
            terms["right"] = weight * distance(implied, truth)
        return terms

    def visual_parameters(self) -> list[nn.Parameter]:
        """Parameters of the visual encoder; an empty list without one."""
        return [] if self.visual_encoder is None else list(self.visual_encoder.parameters())


def _visual_shape(encoder: Any, framing: Framing) -> FeatureShape:
    """Shape of the encoder's features for the window's images; RecipeError if nothing is left."""
    height, width = framing.window.picture
    shape: FeatureShape = encoder.shape(framing.window.pictures, height, width)
    if min(shape.images, shape.height, shape.width) < 1:
        time, down, across = encoder.reductions
        raise RecipeError(
            f"nothing is left of {framing.window.pictures} pictures of {height} x {width}: "
            f"the visual encoder divides their number by {time} and their size by {down} x {across}",
            where="window",
            fix=f"Make window.pictures at least {time} and window.picture at least [{down}, {across}].",
        )
    return shape


def check_planes(encoder: Any, needed: int, where: str) -> None:
    """Check the planes of an audio encoder.

    Args:
        encoder: The audio encoder.
        needed: Number of planes that it will be given.
        where: Recipe key of the encoder.

    Raises:
        RecipeError: It takes another number.
    """
    if encoder.planes != needed:
        raise RecipeError(
            f"{needed} planes of spectrograms go into this audio encoder, and it takes {encoder.planes}",
            where=where,
            fix=f"Set its planes to {needed}, or take an encoder made for {needed}.",
        )


def check_spectrogram(levels: tuple[FeatureLevel, ...], framing: Framing) -> None:
    """Check that F and M can be divided as the audio encoder divides them.

    Args:
        levels: The encoder's levels.
        framing: Window and STFT.

    Raises:
        RecipeError: They cannot.
    """
    most = max(level.reduction for level in levels)
    if framing.bins % most:
        below = max(1, framing.bins // most) * most
        raise RecipeError(
            f"n_fft {framing.stft.n_fft} gives {framing.bins} bins, which the audio encoder cannot divide by {most}",
            where="stft.n_fft",
            fix=f"Take a multiple of {2 * most}: {2 * below} or {2 * below + 2 * most}.",
        )
    frames = framing.stft_frames
    if frames % most:
        raise RecipeError(
            f"the window's {frames} spectrogram frames cannot be divided by {most} as the audio encoder does",
            where="window.seconds",
            fix=f"Take a window of {(frames // most + 1) * most * framing.stft.hop / framing.window.rate:g} s.",
        )
