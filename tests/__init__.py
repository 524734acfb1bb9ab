"""The suite; it mirrors the source. Run by `python3 dev.py test`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
