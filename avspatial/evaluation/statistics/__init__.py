"""Statistics in plain numpy."""
