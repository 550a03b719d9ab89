"""Files in, files out: jobs, decoding, rendering, muxing. Only this half of inference touches ffmpeg."""
