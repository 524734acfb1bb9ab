"""Real ComfyUI servers for the tests; they die with the session, also when tests fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tools.dev.places import PACK_NAME, ROOT
from tools.dev.server import FILE_SIZES_NAME, Server, scratch_server

PAGES_PACK = "test_pages"


class Comfy:
    """A running server and its folders.

    `run(graph)` queues a graph in API form, waits, and returns {node id: what it shows}; it raises
    headless.client.Rejected or RunFailed with the node's own message.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = server.client
        self.run = server.client.run
        self.url: str = server.client.url
        self.base: Path = server.base
        self.input: Path = server.base / "input"
        self.output: Path = server.output
        self.datasets: Path = server.output / "datasets"
        self.models = Path(os.environ["HYPONET_MODELS"])

    def forget(self) -> None:
        """Have the server drop what it kept of graphs and models.

        It does so between two runs, so a run that is queued at once may come first: one of no matter comes here.
        """
        self.client.free()
        empty = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
        self.run({"1": empty, "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}})

    def log(self) -> str:
        return self.server.log.read_text("utf-8", "replace")


@pytest.fixture(scope="session")
def start_comfy() -> Iterator[Callable[..., Comfy]]:
    """Starts servers over a base folder of their own: start_comfy(base, output=None, options=(), port=0, packs=()).

    `packs` are those in its custom_nodes that it loads besides ours and tests/tools/pages_pack.py. A server takes more
    than a gigabyte: whoever starts one stops it when his tests are done, by `.server.stop()`.
    """
    running: list[Server] = []

    def start(
        base: Path,
        output: Path | None = None,
        options: tuple[str, ...] = (),
        port: int = 0,
        packs: Sequence[str] = (),
    ) -> Comfy:
        pages = base / "custom_nodes" / PAGES_PACK
        pages.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "tests" / "tools" / "pages_pack.py", pages / "__init__.py")
        options += ("--whitelist-custom-nodes", PACK_NAME, FILE_SIZES_NAME, PAGES_PACK, *packs)
        server = scratch_server(base, output, port, options)
        running.append(server)
        return Comfy(server.start())

    try:
        yield start
    finally:
        for server in running:
            server.stop()


RUNNING = pytest.StashKey[Comfy]()


@pytest.fixture(scope="module")
def comfy(
    request: pytest.FixtureRequest, start_comfy: Callable[..., Comfy], tmp_path_factory: pytest.TempPathFactory
) -> Comfy:
    """The server of a folder of tests; of both frontends, as tests/browser/pages.py opens them.

    It grows to some gigabytes, so it ends with its folder.
    """
    folder = request.node.parent
    if RUNNING not in folder.stash:
        folder.stash[RUNNING] = start_comfy(tmp_path_factory.mktemp("comfy"))

        def end() -> None:
            folder.stash[RUNNING].server.stop()
            del folder.stash[RUNNING]  # tests of the folder that come later start another

        folder.addfinalizer(end)
    return folder.stash[RUNNING]
