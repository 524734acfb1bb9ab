"""What every room needs of the running ComfyUI: progress that notices an interrupt, versions, its inner parts."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import comfy.cli_args
import comfy.model_management
import comfy.utils
import comfyui_version
import torch
from comfy_api.latest import io, ui
from PIL import Image

from ..evaluation.progress import Progress
from ..evaluation.results import Result
from ..version import __version__


class NodeBar:
    """The bar of the running node, and the picture below it.

    Args:
        total: what 100 % is.
    """

    def __init__(self, total: int) -> None:
        self._bar = comfy.utils.ProgressBar(max(1, total))

    def __call__(self, finished: int, total: int, picture: Image.Image | None = None) -> None:
        """Move the bar; a `picture` takes the place of the one before.

        Raises:
            comfy.model_management.InterruptProcessingException: the user pressed stop; call it from the node's own
                thread only, since the interrupt is a flag that the first reader clears.
        """
        throw_if_interrupted()
        self._bar.update_absolute(finished, max(1, total), ("JPEG", picture, None) if picture else None)


def progress_bar(total: int) -> Progress:
    """A `progress(done, total)` that moves the node's bar; see NodeBar."""
    return NodeBar(total)


def throw_if_interrupted() -> None:
    """Stop here when the user pressed stop; the flag is cleared by the first who reads it.

    Raises:
        comfy.model_management.InterruptProcessingException: the user pressed stop.
    """
    comfy.model_management.throw_exception_if_processing_interrupted()


@contextmanager
def comfyui_internals(feature: str) -> Iterator[None]:
    """Around imports and names of ComfyUI that it does not promise to keep; says which one is missing.

    Args:
        feature: what needs them, as a user calls it.

    Raises:
        RuntimeError: this ComfyUI does not have one of them.
    """
    try:
        yield
    except (ImportError, AttributeError) as error:
        raise RuntimeError(
            f"{feature} needs a part of ComfyUI that version {comfyui_version.__version__} does not have ({error}); "
            "expected ComfyUI 0.3.75 or a newer one that has it; update HypoNet, or ComfyUI"
        ) from error


def answer(
    text: str,
    *pictures: torch.Tensor,
    facts: Mapping[str, Any] | None = None,
    results: Sequence[Result] = (),
) -> dict[str, Any]:
    """The `ui` of a node that answers: what web/js/answers.js draws inside it, and what the server's history keeps.

    Args:
        text: plain lines, or the Markdown of web/js/markdown.js.
        pictures: [B, H, W, 3] in 0..1, drawn below the text in this order.
        facts: for programs, found under `hyponet`.
        results: for programs, found under `hyponet_result`.
    """
    output: dict[str, Any] = {"text": [text]}
    for batch in pictures:
        output.setdefault("images", []).extend(ui.PreviewImage(batch).as_dict()["images"])
    if facts:
        output["hyponet"] = [dict(facts)]
    if results:
        output["hyponet_result"] = [result.to_json() for result in results]
    return output


def nothing_chosen(why: str) -> io.NodeOutput:
    """What an output node gives on which nothing is chosen yet: `why` is its answer and blocks what hangs on it.

    An error would end the whole run, though nobody may have asked for this node: the page runs every output node.
    """
    # one output, of any value: without one ComfyUI would not hand the block on
    return io.NodeOutput(None, block_execution=why, ui=answer(why, facts={"blocked": why}))


def answer_of(result: Result, *pictures: torch.Tensor) -> dict[str, Any]:
    """`answer` with the summary of one result."""
    return answer(result.summary(), *pictures, results=[result])


def progress_text(text: str, node_id: str | None) -> None:
    """Show `text` under the running node `node_id`."""
    if node_id is None:
        return
    from server import PromptServer  # here, so that what needs no server can be used without one

    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.send_progress_text(text, node_id)


@contextmanager
def last_line(node_id: str | None, say: Callable[[], str]) -> Iterator[None]:
    """Show below the node, when the block ends, whatever ends it, what `say` finds on the disk then."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError, MemoryError):  # what a disk that fails broke says so itself
            progress_text(say(), node_id)


def metadata_is_off() -> bool:
    """Whether the server was started with --disable-metadata: pictures carry no prompt and no workflow then."""
    return bool(comfy.cli_args.args.disable_metadata)


def versions() -> dict[str, str]:
    """Which versions of what made a result."""
    return {
        "hyponet": __version__,
        "comfyui": comfyui_version.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
