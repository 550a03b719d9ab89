"""The preview of a binaural file."""
