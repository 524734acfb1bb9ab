"""A set and its exports in the words of Croissant 1.1 (MLCommons), which programs read: one file a step."""
