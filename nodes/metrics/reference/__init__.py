"""FID, KID, and precision and recall of a set against a reference."""
