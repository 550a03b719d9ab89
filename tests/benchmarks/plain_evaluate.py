"""What people write today: one loop over the clips, librosa and scipy, metric by metric, mean at the end.

    python tests/benchmarks/plain_evaluate.py DIR            # DIR/<clip>/{predicted,input}_binaural.wav
    python tests/benchmarks/plain_evaluate.py DIR auraloss   # the multi-resolution distance by auraloss, on torch

The formulas are avspatial's under the convention `fairplay`; `bench_evaluate.py` checks that the numbers agree.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
from scipy.signal import hilbert

RATE = 16000


def stft_distance(prediction: np.ndarray, reference: np.ndarray) -> float:
    total = 0.0
    for channel in range(2):
        spectra = []
        for signal in (prediction, reference):
            plane = librosa.stft(np.asfortranarray(signal[channel]), n_fft=512, hop_length=160, win_length=400)
            spectra.append(np.stack([plane.real, plane.imag]))
        total += np.mean((spectra[0] - spectra[1]) ** 2)
    return float(total)


def envelope_distance(prediction: np.ndarray, reference: np.ndarray) -> float:
    total = 0.0
    for channel in range(2):
        predicted, true = np.abs(hilbert(prediction[channel])), np.abs(hilbert(reference[channel]))
        total += np.sqrt(np.mean((predicted - true) ** 2))
    return float(total)


def wave_l2(prediction: np.ndarray, reference: np.ndarray) -> float:
    return float(np.mean((prediction - reference) ** 2) * 1e3)


def magnitudes(signal: np.ndarray, n_fft: int, hop: int, window: int) -> np.ndarray:
    planes = librosa.stft(signal, n_fft=n_fft, hop_length=hop, win_length=window, pad_mode="reflect")
    return np.sqrt(np.maximum(planes.real**2 + planes.imag**2, 1e-8))


def mrstft(prediction: np.ndarray, reference: np.ndarray) -> float:
    total = 0.0
    for resolution in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        predicted, true = magnitudes(prediction, *resolution), magnitudes(reference, *resolution)
        total += np.linalg.norm(true - predicted) / np.linalg.norm(true)
        total += np.mean(np.abs(np.log(predicted) - np.log(true)))
    return float(total / 3)


class Auraloss:
    """The same, by the library that most take for it; it computes in single precision, with all cores."""

    def __init__(self) -> None:
        import auraloss
        import torch

        self.torch, self.loss = torch, auraloss.freq.MultiResolutionSTFTLoss()

    def __call__(self, prediction: np.ndarray, reference: np.ndarray) -> float:
        with self.torch.no_grad():
            return float(self.loss(self.torch.tensor(prediction)[None], self.torch.tensor(reference)[None]))


def snr(prediction: np.ndarray, reference: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(reference**2) / np.mean((prediction - reference) ** 2)))


def level_difference(signal: np.ndarray, frame: int = 1600, hop: int = 800) -> np.ndarray:
    curve = []
    for start in range(0, signal.shape[1] - frame + 1, hop):
        power = np.maximum(np.mean(signal[:, start : start + frame].astype(np.float64) ** 2, axis=1), 1e-12)
        curve.append(10 * np.log10(power[0] / power[1]))
    return np.array(curve)


def spl_distance(prediction: np.ndarray, reference: np.ndarray) -> float:
    return float(np.linalg.norm(level_difference(prediction) - level_difference(reference)))


def main(folder: Path, multiresolution: Callable[[np.ndarray, np.ndarray], float]) -> None:
    metrics = {
        "stft_distance": stft_distance,
        "envelope_distance": envelope_distance,
        "wave_l2": wave_l2,
        "mrstft": multiresolution,
        "snr": snr,
    }
    found: dict[str, list[float]] = {}
    for clip in sorted(folder.iterdir()):
        raw = [librosa.load(clip / f"{name}_binaural.wav", sr=RATE, mono=False)[0] for name in ("predicted", "input")]
        prediction, reference = (signal / max(np.abs(signal).max(), 1e-20) for signal in raw)
        for name, metric in metrics.items():
            found.setdefault(name, []).append(metric(prediction, reference))
        found.setdefault("spl_distance", []).append(spl_distance(*raw))
    print(json.dumps({name: float(np.mean(values)) for name, values in found.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Auraloss() if "auraloss" in sys.argv[2:] else mrstft)
