"""Data sets, the clip cache, windows."""
