"""Metric cards: what each metric reacts to, measured."""
