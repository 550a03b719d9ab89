"""Stereo, mixture and difference; spectrograms and masks; gain; levels; the head."""
