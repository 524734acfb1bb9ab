"""Tools of the tests and of dev.py, run as modules."""
