"""Settings of the metrics. What all scores of a table share (rate, normalisation, spectrogram) is the convention's."""

from __future__ import annotations

from avspatial.settings import Settings, setting


class MetricSettings(Settings):
    """No settings: the definition and the convention determine the metric."""


class SplSettings(Settings):
    """The framing of the level-difference curve, which the SAGM paper leaves open."""

    frame: float = setting(0.1, unit="s", gt=0, le=10)
    """Length of a frame."""
    hop: float = setting(0.05, unit="s", gt=0, le=10)
    """Step between frames."""


class AzimuthSettings(Settings):
    """The azimuth estimator."""

    head: str = setting("spherical", min_length=1)
    """The head with which the audio was rendered: `spherical`, `kemar`, or the path of a SOFA file."""
    block: float = setting(0.25, unit="s", gt=0, le=10)
    """Length of a block; each gets one estimated azimuth."""
