"""Features, and FID, Inception Score, KID, precision and recall, diversity; thin nodes over evaluation/metrics."""
