"""What importing the pack costs over a bare interpreter, and how long the first WordNet answer takes.

    python benchmarks/import_time.py

Bars: at most 0.10 s over a bare interpreter; the first answer within 4 s in a fresh process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAIRS = 11
LOAD = (
    "import importlib.util as u, sys\n"
    f"r = {str(ROOT)!r}\n"
    "s = u.spec_from_file_location('hyponet', r + '/__init__.py', submodule_search_locations=[r])\n"
    "m = u.module_from_spec(s); sys.modules['hyponet'] = m; s.loader.exec_module(m)\n"
)
ANSWER = LOAD + "from hyponet.nodes.hyponet.taxonomy import taxonomy\nassert taxonomy().senses('cat')\n"


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    seconds(ANSWER)  # once, so that compiled files stand
    differences = [seconds(LOAD) - seconds("pass") for _ in range(PAIRS)]
    print(f"import of the pack over a bare interpreter: median {statistics.median(differences):.3f} s of {PAIRS} pairs")
    answers = [seconds(ANSWER) for _ in range(5)]
    print(f"first WordNet answer in a fresh process:    median {statistics.median(answers):.2f} s of 5")


if __name__ == "__main__":
    main()
