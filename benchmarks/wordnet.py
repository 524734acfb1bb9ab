"""Seconds from a bare interpreter to the first hyponym list, in fresh processes; the bar is 4 s.

Run as `python benchmarks/wordnet.py`. Interleaved with an interpreter that imports torch alone, which every ComfyUI
has loaded before: the difference is what the pack adds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
BARE = "import sys; import torch, torchvision"
FIRST_LIST = (
    f"{BARE}; sys.path.append({str(ROOT)!r}); from tools.dev.pack import load_pack; load_pack()\n"
    "from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_class\n"
    "assert hyponyms_of_class('n02123045', 'tabby', HyponymSettings()).hypernym == 'domestic cat'"
)


def seconds(code: str) -> tuple[float, float]:
    """Wall and processor seconds of a fresh process; the latter is what a busy machine leaves alone."""
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, used


def main() -> None:
    pairs = [(seconds(BARE), seconds(FIRST_LIST)) for _ in range(RUNS)]
    for number, kind in enumerate(("wall", "processor")):
        bare = statistics.median(bare_run[number] for bare_run, _ in pairs)
        added = statistics.median(list_run[number] - bare_run[number] for bare_run, list_run in pairs)
        print(f"{kind}: torch alone {bare:.2f} s; the first hyponym list adds {added:.2f} s (bar: 4 s)")


if __name__ == "__main__":
    main()
