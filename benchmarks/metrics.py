"""FID and Inception Score from two folders of PNGs, beside torch-fidelity and pytorch-fid on the same random weights.

Every tool runs as a user would start it, in turn; prints wall and processor time (workers included), ratios, and how
far the figures are apart.
python benchmarks/metrics.py [--count 150] [--side 512] [--rounds 1] [--skip pytorch-fid,clean-fid]
1,000 pictures at 32 pixels: --count 1000 --side 32.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pack import ROOT, load_pack
from PIL import Image

load_pack()
sys.path.append(str(ROOT / "tests" / "tools"))

from random_inception import FID_FILE, write_random_weights  # noqa: E402

from hyponet.evaluation.metrics.conventions import Preparation  # noqa: E402
from hyponet.evaluation.metrics.features import extract_features  # noqa: E402
from hyponet.evaluation.metrics.fid import measure_fid  # noqa: E402
from hyponet.evaluation.metrics.inception import load_inception  # noqa: E402
from hyponet.evaluation.metrics.inception_score import measure_inception_score  # noqa: E402
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK  # noqa: E402
from hyponet.evaluation.pictures.sources.folders import read_folder  # noqa: E402

Figures = dict[str, float]


def write_pictures(folder: Path, count: int, side: int, seed: int) -> Path:
    """Procedural pictures: sums of oriented waves in random colours, with noise."""
    (folder / "all").mkdir(parents=True)
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    for number in range(count):
        picture = np.zeros((side, side, 3))
        for _ in range(4):
            across, down, phase = draw.normal(size=3) * 12
            picture += np.sin(across * columns + down * rows + phase)[..., None] * draw.random(3) * 50
        picture += 128 + draw.normal(size=picture.shape) * (4 + 8 * seed)
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / "all" / f"{number:05}.png")
    return folder / "all"


def ours(weights: Path, first: Path, second: Path, convention: str = "torch-fidelity") -> Figures:
    """FID and IS as our nodes compute them, nothing cached."""
    network = load_inception(weights, FID_NETWORK)
    sides = [
        extract_features(read_folder(folder.parent), network, Preparation(convention, 0)) for folder in (first, second)
    ]
    score = measure_inception_score(sides[0]).figures["inception_score"]
    return {"fid": measure_fid(*sides).figures["fid"], "is": score}


def torch_fidelitys(weights: Path, first: Path, second: Path, batch: int) -> Figures:
    """torch-fidelity's own; its default batch is 64."""
    import torch_fidelity

    measured = torch_fidelity.calculate_metrics(
        input1=str(first),
        input2=str(second),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(weights),
        cuda=False,
        batch_size=batch,
        fid=True,
        isc=True,
        cache=False,
        verbose=False,
    )
    return {"fid": measured["frechet_inception_distance"], "is": measured["inception_score_mean"]}


def pytorch_fids(weights: Path, first: Path, second: Path, batch: int) -> Figures:
    """pytorch-fid's own; its default batch is 50; FID alone."""
    from pytorch_fid.fid_score import calculate_fid_given_paths

    _hub(weights)
    workers = min(len(os.sched_getaffinity(0)), 8)
    return {"fid": float(calculate_fid_given_paths([str(first), str(second)], batch, "cpu", 2048, workers))}


def clean_fids(weights: Path, first: Path, second: Path) -> Figures:
    """clean-fid's resize, order and distance; the network, which it only downloads, is pytorch-fid's."""
    from cleanfid.fid import fid_from_feats, get_folder_features
    from pytorch_fid.inception import InceptionV3

    _hub(weights)
    network = InceptionV3([3], resize_input=False, normalize_input=False).train(False)
    sides = [
        get_folder_features(
            str(folder),
            lambda x: network((x - 128) / 128)[0].flatten(1),
            num_workers=2,
            batch_size=32,
            device=torch.device("cpu"),
            mode="clean",
            verbose=False,
        )
        for folder in (first, second)
    ]
    return {"fid": float(fid_from_feats(*sides))}


def _hub(weights: Path) -> None:
    folder = weights.parent / "hub"
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    if not (folder / "checkpoints" / weights.name).exists():
        (folder / "checkpoints" / weights.name).symlink_to(weights)
    torch.hub.set_dir(str(folder))


def processor_seconds() -> float:
    """Of this process and of its workers that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--skip", default="", help="tools to leave out, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        write_random_weights(Path(scratch))
        weights = Path(scratch) / FID_FILE
        sets = [write_pictures(Path(scratch) / str(seed), options.count, options.side, seed) for seed in (0, 1)]
        tools: dict[str, Callable[[], Figures]] = {
            "ours": lambda: ours(weights, *sets),
            "torch-fidelity": lambda: torch_fidelitys(weights, *sets, 64),
            "torch-fidelity, batch 8": lambda: torch_fidelitys(weights, *sets, 8),
            "pytorch-fid": lambda: pytorch_fids(weights, *sets, 50),
            "pytorch-fid, batch 8": lambda: pytorch_fids(weights, *sets, 8),
            "clean-fid": lambda: clean_fids(weights, *sets),
        }
        for name in options.skip.split(","):
            tools.pop(name.strip(), None)
        for package in ("torch_fidelity", "pytorch_fid.fid_score", "cleanfid.fid"):
            importlib.import_module(package)  # not in the first round's time
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in tools}
        figures: dict[str, Figures] = {}
        for _ in range(options.rounds):
            for name, run in tools.items():
                wall, cpu = time.perf_counter(), processor_seconds()
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    figures[name] = run()
                spent[name].append((time.perf_counter() - wall, processor_seconds() - cpu))
        middle = {name: [statistics.median(times) for times in zip(*spent[name], strict=True)] for name in tools}
        sizes = f"{options.count} + {options.count} pictures of {options.side}x{options.side}"
        print(f"{sizes}, {torch.get_num_threads()} threads")
        for name, (wall, cpu) in middle.items():
            ratios = f"{wall / middle['ours'][0]:.2f} (processor {cpu / middle['ours'][1]:.2f})"
            print(f"{name}: {wall:.1f} s, processor {cpu:.1f} s, {ratios} times ours; {figures[name]}", flush=True)
        for convention in ("pytorch-fid", "clean-fid"):
            if convention in figures:
                fid = ours(weights, *sets, convention)["fid"]
                print(f"our FID as {convention}: {fid:.8g}, apart {abs(fid / figures[convention]['fid'] - 1):.1e}")
        for name in tools:
            if name.startswith("torch-fidelity"):
                apart = abs(figures["ours"]["fid"] / figures[name]["fid"] - 1)
                print(f"FID apart from {name}: {apart:.1e}; IS {abs(figures['ours']['is'] - figures[name]['is']):.1e}")


if __name__ == "__main__":
    main()
