"""Pack a SOFA copy of MIT KEMAR (normal pinna) as the package carries it: `pack_kemar.py MIT_KEMAR_normal_pinna.sofa`.

The right ear is the left one mirrored, in the measurement's own files, so only the left ear is kept: 16-bit samples as
they were published, 512 a direction, one direction after another in a FLAC file, and a table of the directions.
"""

import csv
import sys
from pathlib import Path

import h5py
import numpy as np
import soundfile

FOLDER = Path(__file__).parents[2] / "avspatial" / "signal" / "mit_kemar"

with h5py.File(sys.argv[1], "r") as file:
    responses = np.asarray(file["Data.IR"])
    positions = np.asarray(file["SourcePosition"])
    rate = int(np.asarray(file["Data.SamplingRate"]).item())
left = np.rint(responses[:, 0] * 32768).astype(np.int16)
assert (left == responses[:, 0] * 32768).all(), "not 16-bit samples"
soundfile.write(FOLDER / "left_ear.flac", left.ravel(), rate, subtype="PCM_16")
with (FOLDER / "directions.csv").open("w", newline="", encoding="utf-8") as table:
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["azimuth", "elevation"])
    writer.writerows([f"{azimuth:.12g}", f"{elevation:.12g}"] for azimuth, elevation, _ in positions)
