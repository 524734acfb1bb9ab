"""Run one workflow with some widgets changed on one server: the plain function that everything else is made of."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .client import Client, NoAnswer, Rejected, RunFailed
from .verdict import fractions, shortfall
from .workflow import Graph, read_workflow, with_overrides


@dataclass(frozen=True)
class Outcome:
    """What one run showed.

    Args:
        outputs: node id -> what the node shows, as in the server's history.
        results: the figures of our training, test and metric nodes, one object each.
        texts: (node title, text) of what the nodes wrote on their faces.
        files: pictures and other files that output nodes name, as the server's /view takes them.
        seconds: from start to end on the server.
    """

    outputs: dict[str, Any]
    results: list[dict[str, Any]]
    texts: list[tuple[str, str]]
    files: list[dict[str, str]]
    seconds: float


def run_workflow(
    url: str,
    workflow: Graph | Path | str,
    overrides: Mapping[str, Any] | None = None,
    *,
    timeout: float = 7 * 86400,
    patience: float = 60,
    tick: Callable[[str], None] | None = None,
) -> Outcome:
    """Run a workflow to its end. Whatever ends the waiting before, its prompt is withdrawn.

    Args:
        url: of a ComfyUI server.
        workflow: API form, or the path of a workflow file.
        overrides: "node.widget" -> value.
        timeout: seconds.
        patience: seconds to wait for a server that no longer answers.
        tick: called with the prompt's id while waiting; what it raises stops the run.

    Raises:
        ValueError: the workflow, or an override, is wrong, or the server refused the graph (`client.Rejected`).
        client.RunFailed: a node failed or did not run, a set lacks pictures, somebody interrupted or withdrew it.
        client.NoAnswer: the server does not answer.
        TimeoutError: it did not end in time.
    """
    graph = with_overrides(workflow if isinstance(workflow, dict) else read_workflow(workflow), overrides or {})
    client = Client(url)
    problem = fractions(graph, client)
    if problem:
        raise ValueError(problem)
    prompt_id = str(uuid.uuid4())
    try:
        prompt_id = client.queue(graph, prompt_id=prompt_id)
        entry = client.wait(prompt_id, timeout, None if tick is None else lambda: tick(prompt_id), patience=patience)
    except (Rejected, RunFailed):  # the server has ended it
        raise
    except BaseException:  # Ctrl-C, time over, no answer, an error of `tick`: nobody waits for it any more
        with contextlib.suppress(NoAnswer):
            client.withdraw([prompt_id])
        raise
    problem = shortfall(graph, entry, client)
    if problem:
        raise RunFailed(problem, entry)
    return outcome(graph, entry)


def outcome(graph: Graph, entry: Mapping[str, Any]) -> Outcome:
    """What a history entry of `graph` holds."""
    outputs = dict(entry["outputs"])
    results: list[dict[str, Any]] = []
    texts: list[tuple[str, str]] = []
    files: list[dict[str, str]] = []
    for id_, output in outputs.items():
        title = str(graph.get(id_, {}).get("_meta", {}).get("title", id_))
        results += [result for result in output.get("hyponet_result", []) if isinstance(result, dict)]
        texts += [(title, text) for text in output.get("text", []) if isinstance(text, str)]
        lists = [values for values in output.values() if isinstance(values, list)]
        files += [value for values in lists for value in values if _is_file(value)]
    return Outcome(outputs, results, texts, files, _seconds(entry))


def _is_file(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("filename"), str)


def _seconds(entry: Mapping[str, Any]) -> float:
    times = [
        message["timestamp"]
        for kind, message in (entry.get("status") or {}).get("messages") or []
        if kind in ("execution_start", "execution_success", "execution_error") and "timestamp" in message
    ]
    return (max(times) - min(times)) / 1000 if times else 0.0
