"""The way of a score: pairs of files, scores per clip, storage, summaries."""
