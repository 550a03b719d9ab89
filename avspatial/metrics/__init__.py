"""One file a metric family; each metric is importable and usable alone."""
