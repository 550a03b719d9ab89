"""Data set `foa360`: 360-degree video with first-order ambisonic audio, rendered for two ears and a camera."""
