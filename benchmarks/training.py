"""Training speed and memory: ours against ImageFolder + DataLoader, against cached tensors, and against a bare loop.

    python benchmarks/training.py [--pictures N] [--rounds N] [--skip "WAY;WAY"]

All train ResNet-18 at 32x32, batch 32, from the same 512x512 PNGs, with fused AdamW. Each peer runs with its weights
channels last and without, the better one counts. A round runs each way in a process of its own, one after another;
epochs from the second on count. Prints the medians of images/s and of peak memory, and the ratios, by the clock and by
processor time. On a busy machine processor time at OMP_NUM_THREADS=1 tells more.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
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
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pack import load_pack

load_pack()

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402
from torchvision.models import resnet18  # noqa: E402

from hyponet.evaluation.pictures.cache import resized  # noqa: E402
from hyponet.evaluation.pictures.sources.folders import read_folder  # noqa: E402
from hyponet.evaluation.training.malloc import keep_freed_memory  # noqa: E402
from hyponet.evaluation.training.progress import TrainProgress  # noqa: E402
from hyponet.evaluation.training.settings import Settings  # noqa: E402
from hyponet.evaluation.training.train import train  # noqa: E402

EPOCHS = 12
FOLDER_EPOCHS = 3  # decoding takes long
BARE = "bare loop over tensors"
DECODING = ("ImageFolder", "ImageFolder, channels last")
CACHED = ("TensorDataset", "TensorDataset, channels last")
WAYS = (*DECODING, *CACHED, BARE, "ours", "ours bfloat16")


@dataclass(frozen=True)
class Epoch:
    """Seconds by the clock, and of the processor (workers included), which other work changes less."""

    wall: float
    cpu: float

    def since(self, earlier: Epoch) -> Epoch:
        return Epoch(self.wall - earlier.wall, self.cpu - earlier.cpu)


def now() -> Epoch:
    """The clock, and the processor time of this process, of its ended workers and of those at work."""
    own = os.times()
    ticks = 0
    for worker in multiprocessing.active_children():
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime of proc(5)
    spent = own.user + own.system + own.children_user + own.children_system
    return Epoch(time.perf_counter(), spent + ticks / os.sysconf("SC_CLK_TCK"))


def make_pictures(root: Path, count: int) -> None:
    """`count` PNGs of 512x512 in five classes, as large as photos are: blurred noise with grain."""
    rng = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).resize((512, 512), 3)
        grain = np.asarray(coarse).astype(np.int16) + rng.integers(-6, 7, (512, 512, 3))
        folder = root / f"class {number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grain.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png", compress_level=1)


def run_folder(root: Path, layout: torch.memory_format) -> list[Epoch]:
    """What most scripts do: each epoch decodes and shrinks every file, in two workers that stay."""
    from torchvision import datasets, transforms

    steps = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
    data = datasets.ImageFolder(root, steps)
    return run_loader(DataLoader(data, 32, shuffle=True, num_workers=2, persistent_workers=True), layout, FOLDER_EPOCHS)


def run_cached(root: Path, layout: torch.memory_format) -> list[Epoch]:
    """The best of usual scripts: pictures shrunk once, held as tensors and dealt by a DataLoader without workers."""
    data = read_folder(root, cache=root.parent / "cache")
    pictures = resized(data, 32).permute(0, 3, 1, 2).float().div_(255)  # [N,3,32,32]
    return run_loader(
        DataLoader(TensorDataset(pictures.contiguous(), torch.from_numpy(data.labels)), 32, shuffle=True),
        layout,
        EPOCHS,
    )


def run_loader(
    loader: DataLoader[tuple[torch.Tensor, ...]], layout: torch.memory_format, epoch_count: int
) -> list[Epoch]:
    """Time of each epoch of the usual loop."""
    network = resnet18(num_classes=5).to(memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    epochs = []
    for _ in range(epoch_count):
        begun = now()
        for pictures, labels in loader:
            optimizer.zero_grad()
            logits = network(pictures.to(memory_format=torch.channels_last))  # faster in both layouts
            nn.functional.cross_entropy(logits, labels).backward()
            optimizer.step()
        epochs.append(now().since(begun))
    return epochs


def run_bare(root: Path) -> list[Epoch]:
    """Time of each epoch of the shortest loop: fp32, pictures channels last, fused AdamW, nothing counted or kept."""
    data = read_folder(root, cache=root.parent / "cache")
    images, labels = resized(data, 32), torch.from_numpy(data.labels)
    network = resnet18(num_classes=5)
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
    plain, last = torch.contiguous_format, torch.channels_last
    ways: dict[str, Callable[[], list[Epoch]]] = {
        DECODING[0]: lambda: run_folder(root, plain),
        DECODING[1]: lambda: run_folder(root, last),
        CACHED[0]: lambda: run_cached(root, plain),
        CACHED[1]: lambda: run_cached(root, last),
        BARE: lambda: run_bare(root),
        "ours": lambda: run_ours(root, "float32"),
        "ours bfloat16": lambda: run_ours(root, "bfloat16"),
    }
    epochs = ways[way]()[1:]
    count = sum(1 for _ in root.rglob("*.png"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rates = {"wall": [count / epoch.wall for epoch in epochs], "cpu": [count / epoch.cpu for epoch in epochs]}
    print(json.dumps({**rates, "memory": memory}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip", default="", help="ways to leave out, separated by semicolons")
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one, options.root)
        return
    ways = [way for way in WAYS if way not in options.skip.split(";")]
    measured: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        make_pictures(root, options.pictures)
        resized(read_folder(root, cache=root.parent / "cache"), 32)  # all but ImageFolder start from the small copies
        for _ in range(options.rounds):
            for way in ways:
                command = [sys.executable, __file__, "--one", way, "--root", str(root)]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                measured[way].append(json.loads(output))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.pictures} pictures")
    speed, processor = ({way: rate(measured[way], kind) for way in ways} for kind in ("wall", "cpu"))
    peak = {way: statistics.median(run["memory"] for run in measured[way]) for way in ways}
    for way in ways:
        print(f"{way}: {speed[way]:.1f} images/s, {processor[way]:.1f} a processor second, peak {peak[way]:.0f} MB")
    for peers, bar in ((DECODING, "4"), (CACHED, "1.05"), ((BARE,), "0.95")):
        for kind, rates in (("wall time", speed), ("processor time", processor)):
            if peers := [way for way in peers if way in ways]:
                best = max(peers, key=lambda way: rates[way])
                print(f"ours / {best}, {kind}: {rates['ours'] / rates[best]:.3f} (bar {bar})")
    if BARE in ways:
        print(f"peak memory, ours / {BARE}: {peak['ours'] / peak[BARE]:.3f} (bar 1.2)")


def rate(runs: list[dict[str, Any]], kind: str) -> float:
    """Median images/s over all epochs of all rounds, by "wall" or "cpu"."""
    return statistics.median(value for run in runs for value in run[kind])


if __name__ == "__main__":
    main()
