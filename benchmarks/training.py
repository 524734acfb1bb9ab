"""Training speed and memory: ours against ImageFolder + DataLoader, and against a bare loop over tensors in memory.

    python benchmarks/training.py [--pictures N] [--rounds N]

All train ResNet-18 at 32x32, batch 32, from the same 512x512 PNGs. A round runs each way in a process of its own, one
after another; epochs from the second on count. Prints the medians of images/s and of peak memory, and the ratios.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pack import load_pack

load_pack()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402

from hyponet.evaluation.pictures.cache import resized  # noqa: E402
from hyponet.evaluation.pictures.sources.folders import read_folder  # noqa: E402
from hyponet.evaluation.training.malloc import keep_freed_memory  # noqa: E402
from hyponet.evaluation.training.model import build  # noqa: E402
from hyponet.evaluation.training.progress import TrainProgress  # noqa: E402
from hyponet.evaluation.training.settings import Settings  # noqa: E402
from hyponet.evaluation.training.train import train  # noqa: E402

EPOCHS = 12
WAYS = ("folder", "bare", "ours", "ours bfloat16")


@dataclass(frozen=True)
class Epoch:
    """Seconds by the clock, and of computing (ended workers included), which other work changes less."""

    wall: float
    cpu: float

    def since(self, earlier: Epoch) -> Epoch:
        return Epoch(self.wall - earlier.wall, self.cpu - earlier.cpu)


def now() -> Epoch:
    spent = os.times()
    return Epoch(time.perf_counter(), spent.user + spent.system + spent.children_user + spent.children_system)


def make_pictures(root: Path, count: int) -> None:
    """`count` PNGs of 512x512 in five classes, as large as photos are: blurred noise with grain."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).resize((512, 512), 3)
        grain = np.asarray(coarse).astype(np.int16) + rng.integers(-6, 7, (512, 512, 3))
        folder = root / f"class {number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grain.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png", compress_level=1)


def run_folder(root: Path) -> list[Epoch]:
    """Time of each epoch: what most scripts do."""
    from torchvision import datasets, transforms

    steps = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
    loader = torch.utils.data.DataLoader(datasets.ImageFolder(root, steps), 32, shuffle=True, num_workers=2)
    network = build("resnet18", 5)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    epochs = []
    for _ in range(2):
        begun = now()
        for pictures, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(pictures), labels).backward()
            optimizer.step()
        epochs.append(now().since(begun))
    return epochs


def run_bare(root: Path) -> list[Epoch]:
    """Time of each epoch of the shortest loop: fp32, pictures channels last, fused AdamW, nothing counted or kept."""
    data = read_folder(root, cache=root.parent / "cache")
    images, labels = resized(data, 32), torch.from_numpy(data.labels)
    network = build("resnet18", 5)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    keep_freed_memory()
    epochs = []
    for _ in range(EPOCHS):
        begun = now()
        for indices in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            logits = network(images[indices].permute(0, 3, 1, 2).float().div_(255))
            nn.functional.cross_entropy(logits, labels[indices]).backward()
            optimizer.step()
        epochs.append(now().since(begun))
    return epochs


def run_ours(root: Path, precision: str) -> list[Epoch]:
    """Time of each epoch of evaluation.train as the node runs it: watched, interruptible, resumable."""
    data = read_folder(root, cache=root.parent / "cache")
    marks: list[Epoch] = []

    def callback(progress: TrainProgress) -> None:
        if progress.step == (len(marks) + 1) * progress.steps // EPOCHS:
            marks.append(now())

    with tempfile.TemporaryDirectory() as folder:
        train(data, replace(Settings(epochs=EPOCHS), precision=precision), Path(folder), callback=callback)
    return [Epoch(float("nan"), float("nan")), *(end.since(start) for start, end in itertools.pairwise(marks))]


def run_one(way: str, root: Path) -> None:
    ways: dict[str, Callable[[], list[Epoch]]] = {
        "folder": lambda: run_folder(root),
        "bare": lambda: run_bare(root),
        "ours": lambda: run_ours(root, "float32"),
        "ours bfloat16": lambda: run_ours(root, "bfloat16"),
    }
    epochs = ways[way]()[1:]
    count = sum(1 for _ in root.rglob("*.png"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rates = [count / epoch.wall for epoch in epochs]
    print(json.dumps({"rates": rates, "cpu": [count / epoch.cpu for epoch in epochs], "memory": memory}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one, options.root)
        return
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    memory: dict[str, list[float]] = {way: [] for way in WAYS}
    cpu: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        make_pictures(root, options.pictures)
        resized(read_folder(root, cache=root.parent / "cache"), 32)  # ours and bare start from the small copies
        for _ in range(options.rounds):
            for way in WAYS:
                command = [sys.executable, __file__, "--one", way, "--root", str(root)]
                measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                rates[way] += measured["rates"]
                cpu[way] += measured["cpu"]
                memory[way].append(measured["memory"])
    speed = {way: statistics.median(values) for way, values in rates.items()}
    peak = {way: statistics.median(values) for way, values in memory.items()}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.pictures} pictures")
    for way in WAYS:
        print(f"{way}: {speed[way]:.1f} images/s, peak {peak[way]:.0f} MB")
    print(f"ours / ImageFolder + DataLoader (2 workers), fp32: {speed['ours'] / speed['folder']:.2f} (bar 4)")
    print(f"ours bfloat16 / ImageFolder: {speed['ours bfloat16'] / speed['folder']:.2f}")
    print(f"ours / bare loop, fp32: {speed['ours'] / speed['bare']:.3f} (bar 0.95)")
    spent = {way: statistics.median(values) for way, values in cpu.items()}
    print("By computing time instead of the clock, for machines that are busy with other work:")
    print(f"  ours / bare loop, fp32: {spent['ours'] / spent['bare']:.3f}")
    print(f"  ours with one core / ImageFolder with two that never wait: {spent['ours'] / (2 * spent['folder']):.2f}")
    print(f"  the same with one core each: {spent['ours'] / spent['folder']:.2f}")
    print(f"peak memory, ours / bare: {peak['ours'] / peak['bare']:.3f} (bar 1.2)")


if __name__ == "__main__":
    main()
