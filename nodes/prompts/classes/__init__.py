"""The classes of a data set: one at a time, from text, or from sample pictures."""
