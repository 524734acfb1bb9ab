"""What every benchmark script imports first: `load_pack` makes `import hyponet` work."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from tools.dev.pack import load_pack  # noqa: E402

__all__ = ["ROOT", "load_pack"]
