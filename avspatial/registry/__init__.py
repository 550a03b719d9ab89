"""Discovery of plugins and lookup of components."""
