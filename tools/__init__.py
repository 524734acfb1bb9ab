"""What makes the pack's own files and sets up its development; not in the published archive."""
