"""Writes and pictures the shipped workflows."""
