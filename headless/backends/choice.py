"""The options of the command line that say where rows run, and the workers that they stand for."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ..client import checked_url
from ..store import Store
from .core import Worker
from .own_server import ServerSpec, split_options
from .ray_actors import ray_workers
from .slurm_jobs import slurm_workers
from .urls import LOST_AFTER, url_workers

USUAL_URL = "http://127.0.0.1:8188"
MAX_JOBS = 64


def add_worker_options(command: argparse.ArgumentParser) -> None:
    """Add the options by which workers are chosen, and how they are watched."""
    kinds = command.add_mutually_exclusive_group()
    kinds.add_argument(
        "--url", action="append", metavar="URL", help=f"a server; several share the rows; default: {USUAL_URL}"
    )
    kinds.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="a server for each GPU of a Ray cluster; without an address, of this machine; see --comfyui",
    )
    kinds.add_argument(
        "--slurm",
        nargs="?",
        const="slurm",
        metavar="CLUSTER",
        help="a SLURM job with a server of its own for each row; see --comfyui",
    )
    _add_server_options(command.add_argument_group("servers that --ray and --slurm start"))
    command.add_argument(
        "--lost-after",
        type=float,
        default=LOST_AFTER,
        metavar="SECONDS",
        help="rows of a server that is silent for so long go to others; default: %(default)g",
    )
    command.add_argument(
        "--stalled-after",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="rows of a server of --url whose row shows no progress for so long go to others; default: never",
    )
    command.add_argument("--json", action="store_true", help="write what happens as JSON, an object a line")


@contextmanager
def open_workers(options: argparse.Namespace, folder: Path) -> Iterator[Sequence[Worker]]:
    """The workers that the command line names; whatever was started for them is stopped at the end.

    Args:
        folder: of the state, for what a back end has to find again after a restart of the driver.

    Raises:
        ValueError: an option is wrong.
    """
    _refuse_unused(options)
    silence = min(options.lost_after, options.patience)
    kind: AbstractContextManager[Sequence[Worker]]
    if options.ray is not None:
        kind = ray_workers(options.ray, _server_spec(options, folder, silence), options.workers)
    elif options.slurm is not None:
        spec = _server_spec(options, folder, silence)
        kind = slurm_workers(options.slurm, spec, folder, options.slurm_set, options.workers or MAX_JOBS)
    else:
        urls = list(dict.fromkeys(checked_url(url) for url in options.url or [USUAL_URL]))
        kind = url_workers(urls, silence, options.stalled_after, f"hyponet-{_key(folder)}")
    with kind as workers:
        yield workers


def _add_server_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--comfyui", metavar="DIR", help="ComfyUI's folder, on every node at the same place")
    add("--python", default="", help="its interpreter; default: that of .venv or venv in the folder, else this one")
    add("--comfyui-options", default="", metavar="TEXT", help="further options of ComfyUI, such as '--lowvram'")
    add("--output", default="", metavar="DIR", help="an output folder that all nodes see; default: ComfyUI's own")
    add("--store", default="", metavar="URL", help="where nodes without a common disk deliver sets: s3://..., a folder")
    add("--work", default="", metavar="DIR", help="for the servers' own files, on each node; default: temporary files")
    add("--workers", type=int, default=0, metavar="N", help="servers; default: one a GPU; of --slurm: jobs at once")
    add("--threads", type=int, default=0, metavar="N", help="of the processor for each server; default: not limited")
    add(
        "--slurm-set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of submitit, such as slurm_partition=gpu or timeout_min=240",
    )


def _refuse_unused(options: argparse.Namespace) -> None:
    """Raise ValueError for an option of another back end, which would be passed over in silence."""
    if options.slurm is None and options.slurm_set:
        raise ValueError("--slurm-set is for --slurm")
    if options.stalled_after < 0:
        raise ValueError(f"--stalled-after is {options.stalled_after:g}; expected seconds, or 0 to wait for ever")
    if options.stalled_after and (options.ray is not None or options.slurm is not None):
        raise ValueError("--stalled-after is for servers of --url")
    if options.ray is None and options.slurm is None:
        names = ("comfyui", "python", "comfyui_options", "output", "store", "work", "workers", "threads")
        if unused := [name for name in names if getattr(options, name)]:
            option = f"--{unused[0].replace('_', '-')}"
            raise ValueError(f"{option} is for servers that --ray and --slurm start; those of --url run already")


def _server_spec(options: argparse.Namespace, folder: Path, silence: float) -> ServerSpec:
    if not options.comfyui:
        raise ValueError("--ray and --slurm start servers; give --comfyui, the folder of a ComfyUI that has HypoNet")
    if options.store:
        Store(options.store)  # its faults are this machine's to tell
    return ServerSpec(
        comfyui=_absolute(options.comfyui),
        key=_key(folder),
        python=options.python,
        options=split_options(options.comfyui_options),
        output=_absolute(options.output) if options.output else "",
        store=options.store if "://" in options.store or not options.store else _absolute(options.store),
        work=_absolute(options.work) if options.work else "",
        threads=options.threads,
        lost_after=silence,
    )


def _key(folder: Path) -> str:
    """Tells a farm from others, and stays the same when its driver is started again."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))
