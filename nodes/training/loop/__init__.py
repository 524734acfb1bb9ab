"""Is the set worth it: top up weak classes, how many are enough, synthetic against real."""
