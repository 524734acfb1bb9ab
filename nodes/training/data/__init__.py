"""Labelled pictures from anywhere: loading, mapping, merging and splitting them."""
