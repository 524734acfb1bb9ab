"""A set in the forms that other tools read."""
