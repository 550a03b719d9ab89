"""Sliding windows over whole clips, and the outputs they leave."""
