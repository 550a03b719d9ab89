"""The page of one binaural file."""
