"""Labelled sets made of others: merged, or divided."""
