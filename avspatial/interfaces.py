"""What a plugin author implements. One class a kind; the registry constructs them with the arguments given here.

Shape letters, used in every docstring of avspatial: B clips (or windows), N pictures, H W picture size, T samples,
F frequency bins, M STFT frames, C channels. Sound is float32 in [-1, 1]; stereo is left then right. A mixture is
left + right, a difference is left - right. Angles are azimuths in degrees, positive is left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from avspatial.settings import Framing, Selected


class Builder(Protocol):
    """The part of the registry with which a component builds the components its own settings chose."""

    def build(self, selected: Selected, **context: Any) -> Any:
        """Import the target of `selected` and call it with the settings and the context of its kind."""


@dataclass(frozen=True)
class FeatureShape:
    """Shape of visual features without the batch: C, N', H', W'."""

    channels: int
    pictures: int
    height: int
    width: int


@dataclass(frozen=True)
class Level:
    """One level of an audio encoder: its channels, and by how much it divides F and M."""

    channels: int
    reduction: int


@dataclass(frozen=True)
class Masks:
    """Complex ratio masks for the mixture, each (B, 2, F, M): real then imaginary."""

    difference: Tensor
    left: Tensor | None = None
    right: Tensor | None = None


@dataclass(frozen=True)
class Judgement:
    """What a discriminator says: logits (B, ...) before the sigmoid, and its inner feature maps."""

    logits: Tensor
    features: Sequence[Tensor] = ()


@dataclass(frozen=True)
class Batch:
    """Training windows. mixture (B, T); reference (B, 2, T); frames (B, N, 3, H, W) in [0, 1].

    `companions`: windows of the further data sets that the trainer's settings name, by the name of the setting.
    """

    mixture: Tensor
    reference: Tensor
    frames: Tensor
    companions: Mapping[str, Batch] = field(default_factory=dict)

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with every tensor changed, those of its companions too."""
        companions = {name: batch.each(change) for name, batch in self.companions.items()}
        return Batch(change(self.mixture), change(self.reference), change(self.frames), companions)

    def to(self, device: torch.device) -> Batch:
        return self.each(lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True)
class Truth:
    """True directions of a simulated clip at a fixed rate.

    azimuth (S, K) in degrees, positive left; energy (S, K), the mean square of what each source would bring to the
    middle of the head; rate in Hz: column k belongs to the time (k + 0.5) / rate.
    """

    rate: float
    azimuth: np.ndarray
    energy: np.ndarray


@dataclass(frozen=True)
class Clip:
    """One recording: stereo sound, its pictures, and, for simulated scenes, the true angles.

    `recording` groups clips cut from one recording: the cluster of the statistics. `video` is a video file, or, where
    `frames_fps` says their rate, a folder of numbered pictures. `mono`: what it has of sound is one channel m (the mean
    of those in the file), decoded as left = right = m, so that its mixture is 2 m. Nothing is learned of directions
    there: such clips are for trainers that ask for them, never the data of a recipe.
    """

    id: str
    audio: Path
    video: Path
    recording: str
    truth: Truth | None = field(default=None, compare=False)
    frames_fps: float | None = None
    mono: bool = False


class VisualEncoder(nn.Module, ABC):
    """Pictures to features. Constructed as `Target(settings)`.

    Declares `channels` (C) and `reductions`: by how much N, H and W are divided (rounding down). Owns its
    normalisation: frames arrive as RGB in [0, 1].
    """

    channels: int
    reductions: tuple[int, int, int]

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def shape(self, pictures: int, height: int, width: int) -> FeatureShape:
        """The shape of `forward`'s result for N pictures of H x W."""
        time, down, across = self.reductions
        return FeatureShape(self.channels, pictures // time, height // down, width // across)

    @abstractmethod
    def forward(self, frames: Tensor) -> Tensor:
        """frames (B, N, 3, H, W) in [0, 1] -> features (B, C, N', H', W')."""


class AudioEncoder(nn.Module, ABC):
    """Spectrogram to feature maps. Constructed as `Target(settings)`. Declares `levels`, finest first, and `planes`.

    `planes` is 2, the real and the imaginary part of one spectrogram, unless the encoder is made for more of them: a
    spatializer that shows it several spectrograms lays them one after the other.
    """

    levels: tuple[Level, ...]
    planes: int = 2

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    @abstractmethod
    def forward(self, spectrogram: Tensor) -> list[Tensor]:
        """spectrogram (B, `planes`, F, M), real then imaginary -> one map a level, finest first."""


class MaskGenerator(nn.Module, ABC):
    """Feature maps and visual features to masks; how sound and picture meet is its business.

    Constructed as `Target(settings, levels=..., visual=...)`: the audio encoder's levels and the visual encoder's
    `FeatureShape`, None for a model without pictures.
    """

    def __init__(self, settings: Any, *, levels: Sequence[Level], visual: FeatureShape | None) -> None:
        super().__init__()
        self.settings = settings
        self.levels = tuple(levels)
        self.visual = visual

    @property
    def along_time(self) -> bool:
        """Whether `forward` also takes spectrograms of other lengths, and with them visual features that vary along
        time: (B, S, C, N', H', W'), where S is M divided by the coarsest level's reduction and visual[:, s] belongs to
        the frames of step s. Inference in one pass (`--mode continuous`) needs it."""
        return False

    @abstractmethod
    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        """maps finest first, visual (B, C, N', H', W') or None, mixture (B, 2, F, M) -> masks (B, 2, F, M)."""


class Discriminator(nn.Module, ABC):
    """Tells true difference spectrograms from generated ones. Constructed as `Target(settings, visual=...)`.

    `visual` is the shape of the features that it looks at; None if there are none, or if it chooses not to look.
    """

    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__()
        self.settings = settings
        self.visual = visual

    @abstractmethod
    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        """difference spectrogram (B, 2, F, M), visual (B, C, N', H', W') or None -> judgement."""


@dataclass(frozen=True)
class Convention:
    """A named set of choices behind a number; part of every printed result. The defaults are `fairplay`.

    rate, at which all is scored, in Hz. normalization: `own_peak` divides prediction and reference each by its own
    peak over both channels, `reference_peak` both by the reference's, `none` neither. The spectrogram: n_fft, window
    (Hann) and hop in samples, centred, the ends padded with `zeros` or by `reflect`.
    """

    name: str = "fairplay"
    rate: int = 16000
    normalization: str = "own_peak"
    n_fft: int = 512
    window: int = 400
    hop: int = 160
    pad: str = "zeros"


class Metric(ABC):
    """One clip, one number (or a few named ones); averages are the evaluation's business.

    Constructed as `Target(settings, convention=...)`. `unit` and `higher_is_better` (None for a descriptive number)
    are declared for every name in `names`. `needs_truth`: only clips with known angles are scored. `normalized`: the
    signals arrive at the convention's rate and with its normalisation; otherwise at that rate, unnormalised.
    `blind_to`: what may happen to the prediction without moving the value, `gain` (one factor on both ears) and `delay`
    (one of 1 ms on both ears), the convention's normalisation left aside.
    """

    names: ClassVar[tuple[str, ...]]
    unit: ClassVar[Mapping[str, str]]
    higher_is_better: ClassVar[Mapping[str, bool | None]]
    needs_truth: ClassVar[bool] = False
    normalized: ClassVar[bool] = True
    blind_to: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, settings: Any, *, convention: Convention = Convention()) -> None:
        self.settings = settings
        self.convention = convention

    @abstractmethod
    def __call__(
        self, prediction: np.ndarray, reference: np.ndarray, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        """prediction (2, T) and reference (2, T), float64 -> {name: value}. ValueError for NaN or unequal lengths.

        A name is left out where the reference holds nothing to measure it on (no source beside the middle, say): the
        clip is then skipped for that name, which is no failure. A value that is not finite is a failure.
        """


class Spatializer(nn.Module, ABC):
    """A whole model: mixture + pictures -> stereo. Constructed as `Target(settings, framing=..., builder=...)`.

    `look` is separate from `spatialize` so that inference encodes each distinct group of pictures once. Both work on
    windows at the level of training (see `signal.gain`); `forward` scales by itself.
    `covered`: how many samples from the start of a window the output can be trusted for (the rest gets no weight).
    `keeps_mixture`: left + right is the mixture, whatever the networks say; where it depends on the settings, the
    instance says it.
    """

    keeps_mixture: bool = False
    mixture_rms: Tensor

    published_recipe: ClassVar[str] = ""
    """The shipped recipe whose model has the weights that the method's authors publish; empty: there are none."""

    def __init__(self, settings: Any, *, framing: Framing, builder: Builder) -> None:
        super().__init__()
        self.settings = settings
        self.framing = framing
        self.register_buffer("mixture_rms", torch.tensor(0.15))

    @property
    def covered(self) -> int:
        return self.framing.samples

    def look(self, frames: Tensor) -> Tensor | None:
        """frames (B, N, 3, H, W) in [0, 1] -> whatever `spatialize` needs of them, first axis B; None if nothing."""
        return frames

    @property
    def timed(self) -> bool:
        """Whether `look_at` depends on when a window starts: then equal pictures at two times are looked at twice."""
        return False

    def look_at(self, frames: Tensor, starts: Tensor) -> Tensor | None:
        """`look`, as inference asks it, for windows that start at `starts` (B,), seconds from the clip's start."""
        return self.look(frames)

    @property
    def learns(self) -> bool:
        """Whether there is anything to train, a parameter that is not frozen. What does not learn is used as built."""
        return any(parameter.requires_grad for parameter in self.parameters())

    @abstractmethod
    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, T) -> stereo (B, 2, T), left + right equal to the mixture where the method keeps that."""

    @property
    def step(self) -> int | None:
        """Samples of a step of `spatialize_along`; None for a spatializer that works on single windows alone."""
        return None

    def spatialize_along(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, S * step) at the level of training, of any length -> stereo (B, 2, S * step).

        visual (B, S, ...) has what `look` gave for the pictures of each step's own time. A result may depend on four
        steps on either side, no more, so that long sounds can be cut into chunks which overlap.
        """
        raise NotImplementedError(f"{type(self).__name__} works on single windows alone")

    def terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        """The supervised loss terms, `loss` being "l1" or "mse"; by default on the samples of both channels."""
        stereo = self.spatialize(batch.mixture, self.look(batch.frames))
        distance = nn.functional.l1_loss if loss == "l1" else nn.functional.mse_loss
        return {"stereo": distance(stereo, batch.reference)}

    def visual_parameters(self) -> list[nn.Parameter]:
        """Parameters that belong to the picture's side (trainers may give them another learning rate)."""
        return []

    def fusion_parameters(self) -> list[nn.Parameter]:
        """Parameters of what joins the two sides, where that is a network of its own (another learning rate again)."""
        return []

    def published_names(self) -> Mapping[str, Mapping[str, str | None]]:
        """How the method's authors name the weights: {part: {name in the part's file: name in `state_dict()`}}.

        A part is one file, a plain torch state dict: "visual", "audio" or "fusion", an option each of `avspatial
        weights import`. None beside a name that is in the file and used by nothing. Everything in `state_dict()` but
        `mixture_rms` must be named; names, shapes and files are checked by the import.
        """
        return {}

    def forward(self, mixture: Tensor, frames: Tensor) -> Tensor:
        """mixture (B, T) at any level, frames (B, N, 3, H, W) -> stereo (B, 2, T) at that level."""
        scale = self.mixture_rms / mixture.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-4)
        return self.spatialize(mixture * scale, self.look(frames)) / scale[:, None]


@dataclass(frozen=True)
class Stage:
    """A stretch of training: the phases that each of its steps runs, and its timetable.

    `timetable` says length and schedule (`training.settings.StageSettings`: the trainer's own settings, or a part of
    them). `epochs_of`: the companion data set whose clips make an epoch of it; the recipe's `data` where empty.
    """

    phases: tuple[str, ...]
    timetable: Any
    epochs_of: str = ""


class Trainer(nn.Module, ABC):
    """How a spatializer learns. Constructed as `Target(settings, spatializer=..., builder=...)`.

    One step of training runs `phases` in order: the loop calls `forward(batch, phase)`, minimises `total` with the
    phase's own optimizer over `parameter_groups(phase)`. The loop (`training.loop`) owns everything else: data order,
    schedules, checkpoints, logs, devices. All weights, a discriminator's included, are submodules of the trainer.

    Settings may name further data sets, in fields of type `DatasetChoice`: every batch then has windows of each among
    its `companions`, as many as it has itself, times the field's number in `companion_windows` where there is one.
    """

    phases: tuple[str, ...] = ("model",)
    companion_windows: ClassVar[Mapping[str, int]] = {}

    def __init__(self, settings: Any, *, spatializer: Spatializer, builder: Builder) -> None:
        super().__init__()
        self.settings = settings
        self.spatializer = spatializer

    def stages(self) -> Sequence[Stage]:
        """The stages of training, one after the other; by default a single one, of all phases.

        The last one's timetable is that of the settings; their `steps`, where given, count the steps of all stages.
        """
        return [Stage(self.phases, self.settings)]

    @abstractmethod
    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        """Scalar loss terms of a phase; `total` is what is minimised, the others are logged."""

    @abstractmethod
    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        """torch.optim parameter groups (params, lr, weight_decay) that the phase updates."""

    @abstractmethod
    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """Scalar terms on held-out windows; the lowest mean `total` marks the best checkpoint."""


class Dataset(ABC):
    """Clips on disk, in splits. Constructed as `Target(settings, progress=...)`."""

    def __init__(self, settings: Any, *, progress: Progress) -> None:
        self.settings = settings
        self.progress = progress

    @abstractmethod
    def prepare(self) -> None:
        """Make sure everything is on disk (a simulated set renders itself here); DataError says what is missing."""

    @abstractmethod
    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test", in a fixed order; DataError for an empty or impossible split."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A short digest of what the data is (settings and lists, not every byte); stored with the run."""


class Progress(Protocol):
    """How long work shows itself: `for x in progress(xs, "Rendering scenes"): ...`."""

    def __call__(self, items: Iterable[Any], title: str) -> Iterable[Any]: ...
