"""Scores per clip, control conditions, statistics, comparisons."""
