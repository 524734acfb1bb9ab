"""Reference statistics as files, for FID without the reference's pictures."""
