"""The modules of avspatial that plugins and users may import; the others may change at any time."""

PUBLIC = (
    "avspatial",
    "avspatial.errors",
    "avspatial.framing",
    "avspatial.interfaces",
    "avspatial.media",
    "avspatial.metrics",
    "avspatial.models",
    "avspatial.plugin",
    "avspatial.settings",
    "avspatial.signal",
    "avspatial.testing",
    "avspatial.training",
)
