"""The template language: its grammar, its tree, and what can be said of a template without any wildcard."""
