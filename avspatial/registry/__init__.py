"""Discovery of plugins and lookup of components."""

from avspatial.registry.discovery import discover
from avspatial.registry.loading import Entry, Plugin
from avspatial.registry.lookup import Registry
from avspatial.registry.sources import Failure

__all__ = ["Entry", "Failure", "Plugin", "Registry", "discover"]
