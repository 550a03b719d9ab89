"""Data sets, the clip store, windows."""
