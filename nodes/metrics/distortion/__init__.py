"""FID of ever more distorted copies of a set."""
