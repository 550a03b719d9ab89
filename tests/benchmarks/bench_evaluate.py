"""Time and memory of `avspatial evaluate` compared with a plain script. Run it alone, on an idle machine:

    pytest -s tests/benchmarks/bench_evaluate.py

Both are complete programs, start included, on the same files and cores, one after the other.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from avspatial.media.audio import write_wav

METRICS = "stft_distance,envelope_distance,wave_l2,mrstft,snr,spl_distance"
PLAIN = Path(__file__).with_name("plain_evaluate.py")
RATE, SECONDS = 16000, 10
EVALUATE = "import sys; from avspatial.cli.main import main; sys.exit(main())"
PEAK = """
import resource, sys, avspatial
avspatial.evaluate(sys.argv[1], metrics=sys.argv[2].split(","), jobs=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def save(folder: Path, clips: int) -> Path:
    """Noise in bursts, panned, as 16 bit wav files of 10 s; the prediction is narrower and noisier."""
    for number in range(clips):
        generator = np.random.default_rng(number)
        envelope = 0.5 + 0.5 * np.sin(np.arange(SECONDS * RATE) * generator.uniform(2, 20) / RATE)
        reference = 0.05 * generator.standard_normal((2, SECONDS * RATE)) * envelope * [[1.0], [0.4]]
        prediction = 0.7 * reference + 0.3 * reference.mean(0) + 0.003 * generator.standard_normal(reference.shape)
        write_wav(folder / f"{number:06d}" / "predicted_binaural.wav", prediction, RATE, "PCM_16")
        write_wav(folder / f"{number:06d}" / "input_binaural.wav", reference, RATE, "PCM_16")
    return folder


@dataclass(frozen=True)
class Took:
    """What a program took, in seconds: by the clock, and of the processors; and its output."""

    clock: float
    processors: float
    output: str

    def __str__(self) -> str:
        return f"{self.clock:.1f} s ({self.processors:.1f} s of the processors)"


def run(*arguments: str) -> Took:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout)


@pytest.mark.parametrize("clips", [187])
def test_four_times_as_fast_as_a_plain_script(tmp_path: Path, clips: int) -> None:
    """187 clips of 10 s (a FAIR-Play test split), six metrics, the same numbers."""
    folder = str(save(tmp_path / "outputs", clips))
    ours = run("-c", EVALUATE, "evaluate", folder, "--metrics", METRICS, "--json")
    found = {name: entry["mean"] for name, entry in json.loads(ours.output)["metrics"].items()}
    ratios = {}
    for name, options in {"librosa and scipy": [], "librosa, scipy and auraloss": ["auraloss"]}.items():
        plain = run(str(PLAIN), folder, *options)
        ratios[name] = plain.clock / ours.clock
        print(f"{name} {plain}, avspatial {ours}: {ratios[name]:.2f} times as fast")
        assert found == pytest.approx(json.loads(plain.output), rel=1e-3)
    assert ratios["librosa and scipy"] >= 4


def test_memory_does_not_grow_with_the_clips(tmp_path: Path) -> None:
    """Peak resident memory of 20 and of 200 clips of 10 s."""
    save(tmp_path, 2)
    peaks = {}
    for clips in (20, 200):
        row = "{0:06d}/predicted_binaural.wav,{0:06d}/input_binaural.wav,{1}\n"
        rows = "".join(row.format(number % 2, number) for number in range(clips))
        (tmp_path / "pairs.csv").write_text("prediction,reference,clip\n" + rows)
        peaks[clips] = int(run("-c", PEAK, str(tmp_path / "pairs.csv"), METRICS).output)
    print(f"peak memory: {peaks[20] / 1024:.0f} MiB for 20 clips, {peaks[200] / 1024:.0f} MiB for 200")
    assert peaks[200] < 1.05 * peaks[20]
