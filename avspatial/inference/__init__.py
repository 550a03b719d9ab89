"""Applying a spatializer to clips (tensors) and, in `files`, to video and audio files."""
