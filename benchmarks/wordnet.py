"""Seconds from a bare interpreter to the first hyponym list, in fresh processes; the bar is 4 s.

Run as `python benchmarks/wordnet.py`. Interleaved with an interpreter that imports torch alone, which every ComfyUI
has loaded before: the difference is what the pack adds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
BARE = "import sys; import torch, torchvision"
FIRST_LIST = (
    f"{BARE}; sys.path.insert(0, {str(ROOT / 'tests')!r}); import conftest\n"
    "from hyponet.nodes.hyponet.hyponyms import Settings, hyponyms_of_class\n"
    "assert hyponyms_of_class('n02123045', 'tabby', Settings()).hypernym == 'domestic cat'"
)


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    pairs = [(seconds(BARE), seconds(FIRST_LIST)) for _ in range(RUNS)]
    bare = statistics.median(one for one, _ in pairs)
    whole = statistics.median(other for _, other in pairs)
    added = statistics.median(other - one for one, other in pairs)
    print(f"torch alone {bare:.2f} s; with the first hyponym list {whole:.2f} s; added {added:.2f} s (bar: 4 s)")


if __name__ == "__main__":
    main()
