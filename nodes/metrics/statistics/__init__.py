"""FID, Inception Score, KID, precision and recall; thin nodes over evaluation/."""
