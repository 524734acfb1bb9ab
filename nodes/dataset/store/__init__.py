"""A labelled set on disk: layout, manifest, description, lock, and the one object that writes them."""
