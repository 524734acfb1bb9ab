"""FID and Inception Score from two folders of PNGs, beside torch-fidelity and pytorch-fid on the same random weights.

Every tool runs as a user would start it, in turn, and those with a batch size at each of several; prints wall and
processor time (workers included), each tool's best batch, the ratios there, and how far the figures are apart.
python benchmarks/metrics.py [--count 150] [--side 512] [--rounds 1] [--batches 8,16,32,64] [--skip clean-fid]
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
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pack import load_pack
from PIL import Image

load_pack()
from hyponet.evaluation.metrics.conventions import Preparation  # noqa: E402
from hyponet.evaluation.metrics.features import extract_features  # noqa: E402
from hyponet.evaluation.metrics.fid import measure_fid  # noqa: E402
from hyponet.evaluation.metrics.inception import load_inception  # noqa: E402
from hyponet.evaluation.metrics.inception_score import measure_inception_score  # noqa: E402
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK  # noqa: E402
from hyponet.evaluation.pictures.sources.folders import read_folder  # noqa: E402
from hyponet.tools.stand_ins.inception import FID_FILE, write_random_weights  # noqa: E402

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
    parser.add_argument("--batches", default="8,16,32,64", help="of the tools that have one, separated by commas")
    parser.add_argument("--skip", default="", help="tools to leave out, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        write_random_weights(Path(scratch))
        weights = Path(scratch) / FID_FILE
        sets = [write_pictures(Path(scratch) / str(seed), options.count, options.side, seed) for seed in (0, 1)]
        batches = [int(batch) for batch in options.batches.split(",")]
        tools: dict[tuple[str, int], Callable[[], Figures]] = {("ours", 0): lambda: ours(weights, *sets)}
        for batch in batches:
            tools["torch-fidelity", batch] = lambda batch=batch: torch_fidelitys(weights, *sets, batch)
            tools["pytorch-fid", batch] = lambda batch=batch: pytorch_fids(weights, *sets, batch)
        tools["clean-fid", 0] = lambda: clean_fids(weights, *sets)
        tools = {key: run for key, run in tools.items() if key[0] not in options.skip.split(",")}
        for package in ("torch_fidelity", "pytorch_fid.fid_score", "cleanfid.fid"):
            importlib.import_module(package)  # not in the first round's time
        spent: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in tools}
        figures: dict[str, Figures] = {}
        for _ in range(options.rounds):
            for key, run in tools.items():
                wall, cpu = time.perf_counter(), processor_seconds()
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    figures[key[0]] = run()
                spent[key].append((time.perf_counter() - wall, processor_seconds() - cpu))
        middle = {key: [statistics.median(times) for times in zip(*spent[key], strict=True)] for key in tools}
        sizes = f"{options.count} + {options.count} pictures of {options.side}x{options.side}"
        print(f"{sizes}, {torch.get_num_threads()} threads")
        for (name, batch), (wall, cpu) in middle.items():
            print(f"{name}{f', batch {batch}' if batch else ''}: {wall:.1f} s, processor {cpu:.1f} s", flush=True)
        for name in dict.fromkeys(name for name, _ in tools if name != "ours"):
            for place, kind in enumerate(("wall", "processor")):
                best = min((key for key in middle if key[0] == name), key=lambda key: middle[key][place])
                ratio = middle[best][place] / middle["ours", 0][place]
                print(f"{name}{f' at its best batch, {best[1]}' if best[1] else ''}: {ratio:.2f} times our {kind} time")
        for convention in ("pytorch-fid", "clean-fid"):
            if convention in figures:
                fid = ours(weights, *sets, convention)["fid"]
                print(f"our FID as {convention}: {fid:.8g}, apart {abs(fid / figures[convention]['fid'] - 1):.1e}")
        if "torch-fidelity" in figures:
            mine, theirs = figures["ours"], figures["torch-fidelity"]
            apart = f"{abs(mine['fid'] / theirs['fid'] - 1):.1e}; IS {abs(mine['is'] - theirs['is']):.1e}"
            print(f"FID apart from torch-fidelity: {apart}")


if __name__ == "__main__":
    main()
