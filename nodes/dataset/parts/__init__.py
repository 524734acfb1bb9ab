"""Sets made of other sets: merged, or divided."""
