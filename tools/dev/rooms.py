"""The rooms of the pack: which files may import ComfyUI."""

FACES = ("nodes.py", "extension.py", "sockets.py", "paths.py", "graph.py", "engine.py")
