"""Accuracy of classifiers on test sets, and whether two differ."""
