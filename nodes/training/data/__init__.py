"""Labelled pictures from anywhere: loading them, and mapping their classes."""
