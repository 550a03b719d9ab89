"""Metric cards: how each metric scores known errors."""
