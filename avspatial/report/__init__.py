"""The page of a run, made from its directory alone."""
