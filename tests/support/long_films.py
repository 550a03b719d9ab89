"""Films of any length, and the memory that spatializing them takes."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from avspatial.media.video import write_video

RATE, FPS = 16000, 5
REEL = 10.24
"""Seconds of the film that is repeated: an integer number of frame times and of AAC blocks of 1024 samples."""
_MEASURED = """\
import re, sys
from pathlib import Path
from avspatial.cli.main import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def long_film(path: Path, seconds: float, channels: int = 1) -> Path:
    """A film of noise and a square that moves, as many reels as it takes; packets are copied, so it is soon made."""
    reel = path.with_stem("reel")
    random = np.random.default_rng(0)
    sound = (0.1 * random.standard_normal((channels, round(REEL * RATE)))).astype(np.float32)
    pictures = np.full((round(REEL * FPS), 72, 128, 3), 90, np.uint8)
    for number, picture in enumerate(pictures):
        picture[20:50, 2 * number : 2 * number + 30] = (250, 200, 40)
    write_video(reel, pictures, FPS, sound, RATE)
    with av.open(str(path), "w") as target:
        for turn in range(round(seconds / REEL)):
            _append(target, reel, Fraction(REEL).limit_denominator(1000) * turn)
    return path


def _append(target: av.container.OutputContainer, reel: Path, offset: Fraction) -> None:
    with av.open(str(reel)) as source:
        if not target.streams:
            for stream in source.streams:
                target.add_stream_from_template(stream)
        for packet in source.demux():
            if packet.dts is None or (offset and packet.stream.type == "audio" and packet.pts < 0):
                continue  # the blocks before the first sample, once only
            shift = round(offset / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = target.streams[packet.stream_index]
            target.mux(packet)


@dataclass(frozen=True)
class Cost:
    """Peak resident memory in KiB, and time in s, of a program of its own."""

    memory: int
    seconds: float


def cost(film: Path, model: Path, *options: str) -> Cost:
    """What `avspatial spatialize` takes. Linux says of the process alone how much memory it had at most."""
    command = [sys.executable, "-c", _MEASURED, "spatialize", str(film), "--run", str(model), "--force", *options]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Cost(int(done.stdout.split()[-1]), time.perf_counter() - begun)
