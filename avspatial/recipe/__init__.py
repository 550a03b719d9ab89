"""Recipes: YAML files that name every choice of a run, read with positions and checked as a whole."""
