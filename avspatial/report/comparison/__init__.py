"""The page and the tables of a comparison of systems."""
