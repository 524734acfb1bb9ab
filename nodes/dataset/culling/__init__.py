"""Making what is missing: sheets to look at, items to reject, labels to check, files to verify."""
