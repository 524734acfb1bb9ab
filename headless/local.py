"""What needs no server: sets in folders measured and merged by the pack's own functions, in this process.

Needs what ComfyUI has and a bare Python has not: `pip install torch torchvision numpy pillow`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .disk import output_path

if TYPE_CHECKING:
    from hyponet.evaluation.metrics.features import ImageFeatures
    from hyponet.evaluation.metrics.inception import Inception
    from hyponet.evaluation.progress import Progress

OF_A_PAIR, OF_A_SET = ("fid", "kid", "prdc"), ("is", "diversity")
_PROGRESS_INTERVAL = 30.0  # seconds


def add_local_commands(commands: Any) -> None:
    """Add `evaluate` and `merge` to the subparsers of the command line."""
    evaluate = commands.add_parser("evaluate", help="measure a set in a folder, alone or against another; no ComfyUI")
    add = evaluate.add_argument
    add("set", type=Path, help="a set of ours, a folder of class folders, or a zip of one")
    add("--against", type=Path, metavar="SET", help="the reference, of any of these kinds")
    add(
        "--metrics",
        metavar="NAME,...",
        help=f"of {', '.join(OF_A_PAIR)} (with --against), {', '.join(OF_A_SET)}; default: all that can be had",
    )
    add("--weights", type=Path, metavar="PATH", help="of the FID Inception, or their folder; default: torch's own")
    add("--download", action="store_true", help="fetch the weights into that folder if it lacks them")
    add("--convention", default="torch-fidelity", help="how pictures reach the network; default: %(default)s")
    add("--size", type=int, default=0, metavar="N", help="make pictures N by N first; default: as they are")
    add("--device", default="", help="of torch, such as cuda; default: a GPU where torch has one")
    add("--results", type=output_path, metavar="DIR", help="write a result file a metric too, as a report reads them")
    add("--json", action="store_true", help="print the results as JSON")
    merge = commands.add_parser("merge", help="merge sets in folders, such as the shards of one plan; no ComfyUI")
    merge.add_argument("sets", nargs="+", type=Path, metavar="SET")
    merge.add_argument("--into", type=output_path, required=True, metavar="SET", help="the merged set's folder")


def command_evaluate(options: argparse.Namespace) -> int:
    """Measure a set and print the figures; returns the exit code.

    Raises:
        ValueError, OSError: an option, a set or the weights are wrong; the message says how.
    """
    names = _metrics(options)
    if options.size < 0:
        raise ValueError(f"--size is {options.size}; expected a side in pixels, or 0 to leave pictures as they are")
    with _needing_local("evaluate"):
        from hyponet.evaluation.plain_values import plain
        from hyponet.evaluation.results import write_result

        sides = _sides(options)
        measurements = [_measure(name, *sides) for name in names]
        if options.results:
            for measurement in measurements:
                write_result(options.results, measurement)
        keys = ("kind", "figures", "inputs", "settings", "warnings")
        rows = [{key: plain(getattr(measurement, key)) for key in keys} for measurement in measurements]
    print(json.dumps(rows, indent=1, ensure_ascii=True) if options.json else _table(rows))
    for warning in dict.fromkeys(warning for row in rows for warning in row["warnings"]):
        print(f"warning: {warning}", file=sys.stderr)
    return 0


def command_merge(options: argparse.Namespace) -> int:
    """Merge sets as Merge Datasets does and print what became of them; returns the exit code.

    Raises:
        ValueError: one is no set of ours, is damaged, or two shards of one plan differ in a picture.
        BlockingIOError: somebody writes the merged set.
    """
    folders, target = [path.resolve() for path in options.sets], options.into.resolve()
    if len(folders) < 2:
        raise ValueError("merge has 1 set; expected two or more, such as the shards of one plan")
    if target in folders:
        raise ValueError(f"--into is {options.into}, one of the sets to merge; expected a folder of its own")
    with _needing_local("merge"):
        from hyponet.nodes.dataset.merge import merge
        from hyponet.nodes.dataset.store.lock import SetIsHeld
        from hyponet.nodes.dataset.store.store import DatasetStore

        sources, notes = [DatasetStore.open(folder) for folder in folders], list[str]()
        try:
            with merge(sources, target.parent, target.name, _progress("merged"), notes) as store:
                print("\n".join([f"{target}: {len(store):,} pictures out of {len(sources)} sets", *notes]))
        except SetIsHeld as error:
            raise BlockingIOError(str(error)) from None
    return 0


def _metrics(options: argparse.Namespace) -> list[str]:
    metrics = (*OF_A_PAIR, *OF_A_SET)
    if options.metrics is None:
        return list(metrics if options.against else OF_A_SET)
    names = [name.strip() for name in options.metrics.split(",")]
    if wrong := [name for name in names if name not in metrics]:
        raise ValueError(f"--metrics names {wrong[0]!r}; expected some of: {', '.join(metrics)}")
    if not options.against and (pairs := [name for name in names if name in OF_A_PAIR]):
        raise ValueError(f"--metrics names {pairs[0]}, which compares two sets; expected --against, the reference")
    return list(dict.fromkeys(names))


def _sides(options: argparse.Namespace) -> list[ImageFeatures]:
    """The features of the set, and of its reference where there is one."""
    from hyponet.evaluation.metrics.conventions import INCEPTION_CONVENTIONS, Preparation, check_convention
    from hyponet.evaluation.metrics.features import extract_features
    from hyponet.evaluation.metrics.inception_weights import FID_NETWORK
    from hyponet.evaluation.pictures.sources import read_source

    check_convention(options.convention, INCEPTION_CONVENTIONS, f"{FID_NETWORK}'s")
    sets = [read_source("image folder", path) for path in (options.set, options.against) if path]
    network, preparation = _network(options), Preparation(options.convention, options.size)
    return [extract_features(images, network, preparation, progress=_progress(images.name)) for images in sets]


def _network(options: argparse.Namespace) -> Inception:
    import torch

    from hyponet.evaluation.metrics.inception import load_inception
    from hyponet.evaluation.metrics.inception_weights import FID_NETWORK, find_weights

    weights = options.weights or Path(torch.hub.get_dir()) / "checkpoints"
    file = weights if weights.is_file() else find_weights(FID_NETWORK, [weights], download=options.download)
    network = load_inception(file, FID_NETWORK)
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:  # of a device that torch does not know, or was not built for
        raise ValueError(f"--device is {device!r}: {str(error).splitlines()[0]}") from None


def _measure(name: str, features: ImageFeatures, reference: ImageFeatures | None = None) -> Any:
    from hyponet.evaluation.metrics.diversity import measure_diversity
    from hyponet.evaluation.metrics.fid import measure_fid
    from hyponet.evaluation.metrics.inception_score import measure_inception_score
    from hyponet.evaluation.metrics.kid import measure_kid
    from hyponet.evaluation.metrics.precision_recall import measure_precision_recall

    pair: dict[str, Callable[..., Any]] = {
        "fid": measure_fid, "kid": measure_kid, "prdc": measure_precision_recall
    }  # fmt: skip
    if name in pair:
        return pair[name](features, reference)
    return measure_inception_score(features) if name == "is" else measure_diversity(features)


def _table(rows: list[dict[str, Any]]) -> str:
    """Kind, figure and value of every plain number, and of each that does not exist."""
    figures = [
        (row["kind"], key, "none" if value is None else f"{value:.6g}")
        for row in rows
        for key, value in row["figures"].items()
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    ]
    widths = [max(len(cells[column]) for cells in figures) for column in (0, 1)]
    return "\n".join(f"{kind:<{widths[0]}}  {key:<{widths[1]}}  {value}" for kind, key, value in figures)


def _progress(what: str) -> Progress:
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _PROGRESS_INTERVAL:
            last = time.monotonic()
            print(f"  {what}: {done:,} of {total:,} pictures", file=sys.stderr, flush=True)

    return progress


@contextmanager
def _needing_local(command: str) -> Iterator[None]:
    """Make the pack importable as `hyponet`, as which an installed one is already."""
    try:
        if "hyponet" not in sys.modules:
            from tools.dev.pack import load_pack

            load_pack()
        yield
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{command} needs {error.name}, which is not installed; pip install torch torchvision numpy pillow"
        ) from None
