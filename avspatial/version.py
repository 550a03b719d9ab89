"""The version of avspatial: read by the build, stored with every run."""

__version__ = "0.1.0"
