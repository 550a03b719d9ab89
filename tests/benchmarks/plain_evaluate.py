"""What people write today: one loop over the clips, librosa, scipy and auraloss, metric by metric, mean at the end.

    python tests/benchmarks/plain_evaluate.py DIR      # DIR/<clip>/{predicted,input}_binaural.wav

The formulas are avspatial's under the convention `fairplay`; `bench_evaluate.py` checks that the numbers agree.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import auraloss
import librosa
import numpy as np
import torch
from scipy.signal import hilbert

RATE = 16000
_MRSTFT = auraloss.freq.MultiResolutionSTFTLoss()


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


def mrstft(prediction: np.ndarray, reference: np.ndarray) -> float:
    with torch.no_grad():
        return float(_MRSTFT(torch.tensor(prediction)[None], torch.tensor(reference)[None]))


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


def main(folder: Path) -> None:
    found: dict[str, list[float]] = {}
    for clip in sorted(folder.iterdir()):
        raw = [librosa.load(clip / f"{name}_binaural.wav", sr=RATE, mono=False)[0] for name in ("predicted", "input")]
        prediction, reference = (signal / max(np.abs(signal).max(), 1e-20) for signal in raw)
        for metric in (stft_distance, envelope_distance, wave_l2, mrstft, snr):
            found.setdefault(metric.__name__, []).append(metric(prediction, reference))
        found.setdefault("spl_distance", []).append(spl_distance(*raw))
    print(json.dumps({name: float(np.mean(values)) for name, values in found.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
