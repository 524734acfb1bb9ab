"""What stands behind dev.py: set-up, server, lint, demo and the map of the rooms. Standard library only.

Everything here runs with a bare Python 3.10, before anything is installed. It is imported as `tools.dev`, with the
clone's root on the path (as dev.py, `python -m` and the tests have it), never as a part of the pack.
"""
