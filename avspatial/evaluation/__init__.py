"""Scores per clip, controls, statistics."""
