"""Scores per clip, control rows, statistics."""
