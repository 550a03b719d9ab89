"""Stereo, mixture and difference; spectrograms and masks; gain; levels; loudness; the head."""
