"""Labelled pictures: reading every form that people have them in, decoding, resizing, the cache of small copies."""
