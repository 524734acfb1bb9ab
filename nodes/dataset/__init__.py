"""The labelled set on disk: store, checks, exports."""
