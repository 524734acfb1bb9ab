"""Writes every workflow of the pack: Python descriptions in, graph form and API form out. Not in the archive."""
