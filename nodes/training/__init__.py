"""Training and testing classifiers; thin nodes over evaluation/training."""
