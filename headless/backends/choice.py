"""The options of the command line that say where rows run, and the workers that they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..client import checked_url
from .core import Worker
from .urls import LOST_AFTER, url_workers

USUAL_URL = "http://127.0.0.1:8188"


def add_worker_options(command: argparse.ArgumentParser) -> None:
    """Add the options by which workers are chosen, and how they are watched."""
    command.add_argument(
        "--url", action="append", metavar="URL", help=f"a server; several share the rows; default: {USUAL_URL}"
    )
    command.add_argument(
        "--lost-after",
        type=float,
        default=LOST_AFTER,
        metavar="SECONDS",
        help="rows of a server that is silent for so long go to others; default: %(default)g",
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
    urls = list(dict.fromkeys(checked_url(url) for url in options.url or [USUAL_URL]))
    with url_workers(urls, min(options.lost_after, options.patience)) as workers:
        yield workers
