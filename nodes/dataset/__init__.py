"""The labelled set on disk: made, loaded, merged, split, culled and exported."""
