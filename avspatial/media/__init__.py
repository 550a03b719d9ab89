"""Reading and writing audio and video files.

Public, for plugins: what is listed in `__all__`.
"""

from avspatial.media.csv_rows import read_rows
from avspatial.media.webvtt import Direction, read_directions, vtt

__all__ = ["Direction", "read_directions", "read_rows", "vtt"]
