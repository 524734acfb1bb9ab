"""A set in the forms that other tools read: one file a kind of writer, formats.py chooses."""
