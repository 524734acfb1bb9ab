"""What importing the pack costs over a bare interpreter: `python benchmarks/import_time.py`. Bar: at most 0.10 s."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from pack import ROOT

PAIRS = 21
LOAD = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); from pack import load_pack; load_pack()"


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    differences = [seconds(LOAD) - seconds("pass") for _ in range(PAIRS)]
    print(f"import of the pack over a bare interpreter: median {statistics.median(differences):.3f} s of {PAIRS} pairs")


if __name__ == "__main__":
    main()
