"""A clip through a spatializer: batched and shared, yet equal to one window at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from avspatial.data.windows import image_indices
from avspatial.errors import DataError
from avspatial.framing import Framing, Stft, Window
from avspatial.inference.overlap_add import spatialize, window_starts
from avspatial.interfaces import Spatializer
from avspatial.recipe.schema import Inference

WINDOW = Window(seconds=0.1, rate=8000, fps=40.0, pictures=4, picture=(4, 6))


class Panner(Spatializer):
    """A small spatializer whose output depends on every picture, on their side, on the level and on the time."""

    def __init__(self, framing: Framing, valid: int | None = None) -> None:
        super().__init__(None, framing=framing, builder=None)  # type: ignore[arg-type]
        self.valid = framing.samples if valid is None else valid
        self.norm = nn.BatchNorm1d(4)
        self.norm.running_mean.fill_(0.3)  # type: ignore[union-attr]
        self.encoded = 0

    @property
    def valid_samples(self) -> int:
        return self.valid

    def encode_images(self, images: Tensor) -> Tensor | None:
        self.encoded += len(images)
        side = images[..., :3].mean((2, 3, 4)) - images[..., 3:].mean((2, 3, 4))
        return self.norm(side)

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        assert visual is not None
        ramp = torch.linspace(-1, 1, mixture.shape[1])
        difference = torch.tanh(4 * mixture) * (visual.mean(1, keepdim=True) + 0.2 * ramp)
        difference[:, self.valid :] = 1e6  # nothing of a window's invalid end may come out
        return torch.stack([mixture + difference, mixture - difference], 1) / 2


def one_window_at_a_time(model: Panner, audio: Tensor, pictures: np.ndarray, hop: int, flip: bool = False) -> Tensor:
    """The oracle: the official demo's loop, one window, one encoding, no sharing."""
    model.eval()
    window, count_in = model.framing.window, audio.shape[1]
    n = model.framing.samples
    audio = nn.functional.pad(audio, (0, max(n - model.valid_samples, n - count_in)))
    total, count = torch.zeros(audio.shape), torch.zeros(audio.shape[1])
    starts, start = [], 0
    while start + n < audio.shape[1]:
        starts.append(start)
        start += hop
    for start in [*starts, audio.shape[1] - n]:
        stereo = audio[:, start : start + n]
        mixture = stereo[0] + stereo[1]
        scale = 0.1 / stereo.square().mean().sqrt().clamp_min(1e-4)
        if window.gain == "mixture":
            scale = model.mixture_rms / mixture.square().mean().sqrt().clamp_min(1e-4)
        chosen = pictures[image_indices(start / window.rate, window, len(pictures))]
        images = torch.from_numpy(chosen).permute(0, 3, 1, 2)[None] / 255
        with torch.no_grad():
            visual = model.encode_images(images.flip(-1) if flip else images)
            out = model.spatialize(mixture[None] * scale, visual)[0] / scale
        total[:, start : start + model.valid_samples] += out[:, : model.valid_samples]
        count[start : start + model.valid_samples] += 1
    return (total / count)[:, :count_in]


def clip(samples: int, seed: int = 0) -> tuple[Tensor, np.ndarray]:
    random = np.random.default_rng(seed)
    pictures = random.integers(0, 256, (max(1, samples * 40 // 8000), 4, 6, 3), dtype=np.uint8)
    return torch.from_numpy(random.normal(0, 0.1, (2, samples)).astype(np.float32)), pictures


@settings(max_examples=40, deadline=None)
@given(
    samples=st.integers(1, 4000),
    hop=st.floats(0.005, 0.1),
    batch=st.integers(1, 9),
    valid=st.integers(500, 800),
    gain=st.sampled_from(["mixture", "reference_stereo"]),
)
def test_equals_one_window_at_a_time(samples: int, hop: float, batch: int, valid: int, gain: str) -> None:
    model = Panner(Framing(window=WINDOW.model_copy(update={"gain": gain}), stft=Stft()), valid)
    audio, pictures = clip(samples)
    ours = spatialize(model, audio, pictures, Inference(hop=hop, batch_size=batch))
    step = min(round(hop * 8000), valid)
    torch.testing.assert_close(ours, one_window_at_a_time(model, audio, pictures, step), atol=1e-5, rtol=1e-5)


def test_every_sample_is_covered_even_if_the_hop_is_a_full_window() -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft()), valid=600)
    audio, pictures = clip(2500)
    out = spatialize(model, audio, pictures, Inference(hop=0.1))
    torch.testing.assert_close(out.sum(0), audio.sum(0), atol=1e-6, rtol=1e-5)


def test_the_steps_of_the_official_demos() -> None:
    """A 10.005 s clip at 16 kHz, windows of 10,080 samples: 189 windows at hop 0.05 s, 95 at 0.1 s."""
    assert len(window_starts(160_080, 10_080, 800)) == 189
    assert len(window_starts(160_080, 10_080, 1600)) == 95
    assert window_starts(10_080, 10_080, 800) == [0]
    assert window_starts(10_080 + 800, 10_080, 800) == [0, 800]


def test_each_distinct_group_of_pictures_is_encoded_once() -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft()))
    audio, pictures = clip(4000)
    starts = window_starts(4000, 800, 80)
    groups = {tuple(image_indices(start / 8000, WINDOW, len(pictures))) for start in starts}
    spatialize(model, audio, pictures, Inference(hop=0.01, batch_size=3))
    assert model.encoded == len(groups) < len(starts)
    model.encoded = 0
    spatialize(model, audio, pictures, Inference(hop=0.01, batch_size=3), condition="blank")
    assert model.encoded == 1


def test_a_mono_sound_is_half_a_mixture() -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft()))
    audio, pictures = clip(2000)
    mono = audio.mean(0, keepdim=True)
    out = spatialize(model, mono, pictures, Inference(hop=0.02))
    torch.testing.assert_close(out, spatialize(model, audio, pictures, Inference(hop=0.02)))
    torch.testing.assert_close(out.mean(0, keepdim=True), mono, atol=1e-6, rtol=1e-5)


def test_mirrored_pictures_are_the_pictures_flipped() -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft()))
    audio, pictures = clip(2000)
    mirrored = spatialize(model, audio, pictures, Inference(hop=0.02), condition="mirrored")
    torch.testing.assert_close(mirrored, spatialize(model, audio, pictures[:, :, ::-1], Inference(hop=0.02)))
    torch.testing.assert_close(
        mirrored, one_window_at_a_time(model, audio, pictures, 160, flip=True), atol=1e-5, rtol=1e-5
    )


def test_blank_pictures_are_black() -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft()))
    audio, pictures = clip(2000)
    blank = spatialize(model, audio, pictures, Inference(hop=0.02), condition="blank")
    torch.testing.assert_close(blank, spatialize(model, audio, np.zeros_like(pictures), Inference(hop=0.02)))


def test_the_mode_of_every_module_is_given_back() -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft())).train()
    model.norm.eval()
    spatialize(model, *clip(1000), Inference(hop=0.02))
    assert model.training and not model.norm.training


def test_read_only_arrays_are_welcome() -> None:
    audio, pictures = clip(1000)
    sound = audio.numpy()
    sound.flags.writeable = pictures.flags.writeable = False
    assert spatialize(Panner(Framing(window=WINDOW, stft=Stft())), sound, pictures, Inference()).shape == (2, 1000)


def test_silence_stays_finite() -> None:
    _, pictures = clip(1000)
    out = spatialize(Panner(Framing(window=WINDOW, stft=Stft())), torch.zeros(2, 1000), pictures, Inference())
    assert out.isfinite().all()


def test_mono_sound_has_no_true_stereo_to_scale_by() -> None:
    model = Panner(Framing(window=WINDOW.model_copy(update={"gain": "reference_stereo"}), stft=Stft()))
    audio, pictures = clip(1000)
    with pytest.raises(DataError) as error:
        spatialize(model, audio[:1], pictures, Inference())
    assert str(error.value) == (
        "window.gain: the scale of a window comes from the true stereo, and this audio is mono\n"
        "  Train with window.gain: mixture to spatialize mono audio."
    )


@pytest.mark.parametrize(
    ("audio", "pictures", "message"),
    [
        ((3, 100), (2, 4, 6, 3), "needs audio (2, T) or (1, T), got (3, 100)"),
        ((2, 0), (2, 4, 6, 3), "needs audio (2, T) or (1, T), got (2, 0)"),
        ((2, 100), (0, 4, 6, 3), "needs images (P, H, W, 3), got (0, 4, 6, 3)"),
    ],
)
def test_no_sound_or_no_picture(audio: tuple[int, ...], pictures: tuple[int, ...], message: str) -> None:
    model = Panner(Framing(window=WINDOW, stft=Stft()))
    with pytest.raises(DataError) as error:
        spatialize(model, np.zeros(audio, np.float32), np.zeros(pictures, np.uint8), Inference())
    assert str(error.value) == message
