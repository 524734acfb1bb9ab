"""What a plan will give, before anything is generated: counts, pairs, warnings."""
