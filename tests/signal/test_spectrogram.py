"""The spectrogram against a discrete Fourier transform written out, and librosa where it is installed."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avspatial.errors import RecipeError
from avspatial.framing import Framing
from avspatial.signal.spectrogram import Spectrogram, apply_mask


def framing(seconds: float, n_fft: int, hop: int, inverse: str = "exact", window: int = 400) -> Framing:
    return Framing.model_validate(
        {"window": {"seconds": seconds}, "stft": {"n_fft": n_fft, "hop": hop, "window": window, "inverse": inverse}}
    )


SAGM = framing(1.0, 448, 240)
MONO2BINAURAL = framing(0.63, 512, 160)
OFFICIAL = framing(0.63, 512, 160, "official_510")


def padded_hann(window: int, n_fft: int) -> np.ndarray:
    hann = np.sin(np.pi * np.arange(window) / window) ** 2
    before = (n_fft - window) // 2
    return np.pad(hann, (before, n_fft - window - before))


def transform(x: np.ndarray, framing: Framing) -> np.ndarray:
    """Frame by frame, each a sum over exponentials, frames centred on multiples of the hop, zeros outside."""
    n_fft, hop = framing.stft.n_fft, framing.stft.hop
    padded = np.pad(x, n_fft // 2)
    basis = np.exp(-2j * np.pi * np.outer(np.arange(n_fft // 2), np.arange(n_fft)) / n_fft)
    hann = padded_hann(framing.stft.window, n_fft)
    frames = [padded[start : start + n_fft] * hann for start in range(0, hop * framing.stft_frames, hop)]
    return basis @ np.array(frames).T


def back(spectrum: np.ndarray, n_fft: int, hop: int, samples: int, window: int = 400) -> np.ndarray:
    """Overlap-add of windowed inverse transforms, divided by the sum of squared windows."""
    hann = padded_hann(window, n_fft)
    total = np.zeros(n_fft + hop * spectrum.shape[1])
    weight = np.zeros_like(total)
    for frame, column in enumerate(spectrum.T):
        at = slice(frame * hop, frame * hop + n_fft)
        total[at] += hann * np.fft.irfft(column, n_fft)
        weight[at] += hann**2
    ours = slice(n_fft // 2, n_fft // 2 + samples)
    return total[ours] / weight[ours]


def planes(spectrum: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.stack((spectrum.real, spectrum.imag)), dtype=torch.float32)[None]


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.1, 16000)


@pytest.mark.parametrize(("framing", "shape", "covered"), [(SAGM, (224, 64), 15120), (MONO2BINAURAL, (256, 64), 10080)])
def test_shapes_of_the_papers(framing: Framing, shape: tuple[int, int], covered: int) -> None:
    spectrogram = Spectrogram(framing)
    assert spectrogram(torch.zeros(3, framing.samples)).shape == (3, 2, *shape)
    assert spectrogram.valid_samples == covered


@pytest.mark.parametrize("framing", [SAGM, MONO2BINAURAL])
def test_equals_the_transform_written_out(framing: Framing, noise: np.ndarray) -> None:
    x = noise[: framing.samples]
    ours = Spectrogram(framing)(torch.tensor(x)[None])
    torch.testing.assert_close(ours, planes(transform(x, framing)), atol=2e-5, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    frequency=st.floats(20, 6000),
    amplitude=st.floats(1e-3, 1),
    phase=st.floats(0, 6.28),
    framing=st.sampled_from([SAGM, MONO2BINAURAL, framing(1.3, 1024, 200, window=800)]),
)
@example(frequency=5946, amplitude=1, phase=3, framing=framing(1.3, 1024, 200, window=800))
def test_exact_inverse_brings_back_what_the_frames_cover(
    frequency: float, amplitude: float, phase: float, framing: Framing
) -> None:
    t = torch.arange(framing.samples, dtype=torch.float64) / 16000
    x = (amplitude * torch.sin(2 * torch.pi * frequency * t + phase)).float()[None]
    spectrogram = Spectrogram(framing)
    again = spectrogram.inverse(spectrogram(x), framing.samples)
    covered = spectrogram.valid_samples
    stft = framing.stft
    written_out = back(transform(x[0].double().numpy(), framing), stft.n_fft, stft.hop, covered, stft.window)
    np.testing.assert_allclose(again[0, :covered].numpy(), written_out, atol=2e-5 * amplitude, rtol=0)
    # The ends of a tone are jumps, of which a little lies in the top bin of every frame that holds them.
    inner = slice(framing.stft.window, covered - framing.stft.window)
    torch.testing.assert_close(again[:, inner], x[:, inner], atol=2e-5 * amplitude, rtol=0)
    nearly = slice(400, covered - 400)
    torch.testing.assert_close(again[:, nearly], x[:, nearly], atol=3e-4 * amplitude, rtol=0)
    torch.testing.assert_close(again[:, :covered], x[:, :covered], atol=1e-2 * amplitude, rtol=0)
    assert again.shape == x.shape
    assert not again[:, covered:].any()


@pytest.mark.parametrize(("framing", "n_fft"), [(MONO2BINAURAL, 512), (OFFICIAL, 510), (SAGM, 448)])
def test_inverse_equals_overlap_add_written_out(framing: Framing, n_fft: int) -> None:
    generator = np.random.default_rng(5)
    shape = (framing.bins, 64)
    spectrum = generator.normal(size=shape) + 1j * generator.normal(size=shape)
    full = np.pad(spectrum, ((0, n_fft // 2 + 1 - framing.bins), (0, 0)))
    ours = Spectrogram(framing)
    expected = back(full, n_fft, framing.stft.hop, ours.valid_samples)
    result = ours.inverse(planes(spectrum), framing.samples)[0, : ours.valid_samples]
    torch.testing.assert_close(result, torch.tensor(expected, dtype=torch.float32), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("frequency", "snr"), [(1000, 33.0), (4000, 18.7)])
def test_the_official_inverse_loses_what_was_measured_of_it(frequency: float, snr: float) -> None:
    x = torch.sin(2 * torch.pi * frequency * torch.arange(10080) / 16000)[None]
    spectrogram = Spectrogram(OFFICIAL)
    error = spectrogram.inverse(spectrogram(x), 10080) - x
    inner = slice(400, -400)
    measured = 10 * torch.log10(x[:, inner].square().sum() / error[:, inner].square().sum())
    assert measured.item() == pytest.approx(snr, abs=0.6)


@pytest.mark.filterwarnings("ignore")
def test_official_inverse_equals_librosa_called_as_the_official_code_does() -> None:
    librosa = pytest.importorskip("librosa")
    generator = np.random.default_rng(7)
    spectrum = (generator.normal(size=(256, 64)) + 1j * generator.normal(size=(256, 64))).astype(np.complex64)
    expected = librosa.istft(spectrum, hop_length=160, win_length=400, center=True, length=10080)
    ours = Spectrogram(OFFICIAL).inverse(planes(spectrum), 10080)[0].numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_mask_product_is_complex() -> None:
    generator = torch.Generator().manual_seed(1)
    mask, spectrogram = torch.randn(2, 3, 2, 4, 5, generator=generator)
    product = torch.complex(*mask.unbind(1)) * torch.complex(*spectrogram.unbind(1))
    torch.testing.assert_close(apply_mask(mask, spectrogram), torch.stack((product.real, product.imag), 1))


def test_clips_do_not_mix(noise: np.ndarray) -> None:
    x = torch.tensor(noise, dtype=torch.float32)
    batch = torch.stack((x, x.flip(0), x * 3))
    spectrogram = Spectrogram(SAGM)
    planes = spectrogram(batch)
    torch.testing.assert_close(planes[1:2], spectrogram(batch[1:2]))
    torch.testing.assert_close(spectrogram.inverse(planes, 16000)[1:2], spectrogram.inverse(planes[1:2], 16000))


def test_silence_stays_silence() -> None:
    spectrogram = Spectrogram(SAGM)
    assert not spectrogram.inverse(spectrogram(torch.zeros(1, 16000)), 16000).any()


def test_it_keeps_no_weights() -> None:
    assert Spectrogram(SAGM).state_dict() == {}


def test_a_short_window_is_refused() -> None:
    with pytest.raises(ValueError, match="16000 samples, this one 15999"):
        Spectrogram(SAGM)(torch.zeros(1, 15999))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            framing(1.0, 256, 240),
            "stft.window: the Hann window (400 samples) is longer than the FFT (256)\n  Make stft.n_fft at least 400.",
        ),
        (
            framing(1.0, 400, 240, "official_510"),
            "stft.window: the Hann window (400 samples) is longer than the FFT (398)\n  Make stft.n_fft at least 402.",
        ),
        (
            framing(1.0, 512, 400),
            "stft.hop: frames 400 samples apart leave gaps between windows of 400 samples\n"
            "  Make stft.hop smaller than 400.",
        ),
        (
            framing(0.4, 448, 240),
            "window.seconds: a window of 6400 samples holds 27 spectrogram frames; the model needs 32\n"
            "  Make the window at least 0.465 s long, or stft.hop smaller.",
        ),
    ],
)
def test_numbers_that_do_not_fit(wrong: Framing, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        Spectrogram(wrong)
    assert str(error.value) == message
