"""Pack the list of FAIR-Play's sounds as the package carries it: `pack_fairplay_sounds.py MANIFEST.csv`.

The manifest (file,bytes,sha256) comes from the pointers to large files in the data set's own repository. A wav of
16-bit stereo has four bytes a sample after a header of 78 bytes: FFmpeg writes RIFF (12), fmt (24), LIST with its own
name (34) and the head of data (8).
"""

import csv
import sys
from pathlib import Path, PurePosixPath

HEADER, FRAME = 78, 4

with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
    rows = [(PurePosixPath(row["file"]).stem, int(row["bytes"]), row["sha256"]) for row in csv.DictReader(file)]
assert all((size - HEADER) % FRAME == 0 for _, size, _ in rows), "not the header of FAIR-Play's files"
table = Path(__file__).parents[2] / "avspatial" / "data" / "fairplay_sounds.csv"
with table.open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["name", "samples", "sha256"])
    writer.writerows(sorted((name, (size - HEADER) // FRAME, digest) for name, size, digest in rows))
