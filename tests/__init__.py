"""The suite; it mirrors the source. Run by `python3 dev.py test`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# the first line of a script for another process that imports the pack
LOAD_PACK = f"import sys; sys.path.append({str(ROOT)!r}); from tools.dev.pack import load_pack; load_pack()\n"
