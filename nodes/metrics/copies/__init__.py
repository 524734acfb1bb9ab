"""Near copies between two sets."""
