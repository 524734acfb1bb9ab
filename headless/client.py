"""A small client of ComfyUI's HTTP API: queue a graph in API form, wait, read what came out."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

Graph = dict[str, Any]


class Rejected(ValueError):
    """The server refused the graph; `details` is its JSON answer, one entry a node that is wrong."""

    def __init__(self, details: dict[str, Any]) -> None:
        self.details = details
        super().__init__(_rejection_text(details))


class RunFailed(RuntimeError):
    """A node raised an error or the run was interrupted; `entry` is the whole history entry."""

    def __init__(self, message: str, entry: dict[str, Any]) -> None:
        self.entry = entry
        super().__init__(message)


class Client:
    """One ComfyUI server.

    Args:
        url: such as "http://127.0.0.1:8188".
    """

    def __init__(self, url: str, client_id: str = "hyponet-headless") -> None:
        self.url = url.rstrip("/")
        self.client_id = client_id

    def get(self, path: str, timeout: float = 60) -> Any:
        """The JSON answer to GET `path`."""
        with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any, timeout: float = 60) -> Any:
        """The JSON answer to POST `path`; None where the answer is empty."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None

    def alive(self) -> bool:
        """Whether the server answers."""
        try:
            self.get("/queue", timeout=5)
        except (OSError, ValueError):
            return False
        return True

    def object_info(self) -> dict[str, Any]:
        """Every node class of the server with its inputs and outputs."""
        return self.get("/object_info", timeout=120)

    def queue(self, graph: Graph, workflow: Graph | None = None, prompt_id: str = "") -> str:
        """Queue `graph` and return its prompt id.

        Args:
            prompt_id: an id of the caller's own, so that it can be written down before the server sees it.

        Raises:
            Rejected: the server's validation found errors.
        """
        body: dict[str, Any] = {"prompt": graph, "client_id": self.client_id}
        if prompt_id:
            body["prompt_id"] = prompt_id
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            return self.post("/prompt", body)["prompt_id"]
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            try:
                details = json.loads(text)
            except ValueError:
                details = {"error": {"message": text or str(error)}}
            raise Rejected(details) from None

    def entry(self, prompt_id: str) -> dict[str, Any] | None:
        """The history entry of a finished prompt, or None while it waits or runs."""
        entry = self.get(f"/history/{prompt_id}").get(prompt_id)
        return entry if entry and entry["status"]["status_str"] in ("success", "error") else None

    def pending(self) -> set[str]:
        """The ids of all prompts that wait or run."""
        state = self.get("/queue")
        return {row[1] for row in state["queue_running"] + state["queue_pending"]}

    def wait(
        self, prompt_id: str, timeout: float = 3600, tick: Callable[[], None] | None = None, poll: float = 0.1
    ) -> dict[str, Any]:
        """The history entry of `prompt_id` once it succeeded.

        Raises:
            RunFailed: a node failed or the run was interrupted.
            TimeoutError: it did not end within `timeout` seconds.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            entry = self.entry(prompt_id)
            if entry:
                problem = failure(entry)
                if problem:
                    raise RunFailed(problem, entry)
                return entry
            if tick:
                tick()
            time.sleep(poll)
        raise TimeoutError(f"prompt {prompt_id} did not end within {timeout:.0f} s")

    def run(self, graph: Graph, timeout: float = 600, workflow: Graph | None = None) -> dict[str, Any]:
        """The `outputs` of the history entry of `graph`: node id -> what the node shows (images, text, ...)."""
        return self.wait(self.queue(graph, workflow), timeout)["outputs"]

    def forget(self, prompt_ids: list[str]) -> None:
        """Take prompts that still wait out of the queue; one that runs goes on."""
        self.post("/queue", {"delete": prompt_ids})

    def interrupt(self) -> None:
        """Stop the prompt that runs."""
        self.post("/interrupt", {})

    def free(self) -> None:
        """Ask the server to unload its models and forget its cached outputs."""
        self.post("/free", {"unload_models": True, "free_memory": True})

    def picture(self, image: dict[str, str]) -> bytes:
        """The file of one entry of an output's `images`."""
        query = urllib.parse.urlencode({k: image[k] for k in ("filename", "subfolder", "type") if k in image})
        with urllib.request.urlopen(f"{self.url}/view?{query}", timeout=60) as answer:
            return answer.read()


def failure(entry: dict[str, Any]) -> str:
    """What went wrong in a history entry, one line; empty when it succeeded."""
    if entry["status"]["status_str"] == "success":
        return ""
    for kind, message in entry["status"]["messages"]:
        if kind == "execution_error":
            node = f"{message['node_type']} (node {message['node_id']})"
            return f"{node}: {message['exception_type']}: {message['exception_message'].strip()}"
        if kind == "execution_interrupted":
            return f"interrupted in {message.get('node_type', 'a node')}"
    return "the run failed; the server's log says more"


def _rejection_text(details: dict[str, Any]) -> str:
    error = details.get("error") or {}
    lines = [f"{error.get('message', 'the graph was refused')} {error.get('details', '')}".strip()]
    for node_id, node in (details.get("node_errors") or {}).items():
        for problem in node["errors"]:
            lines.append(f"{node['class_type']} (node {node_id}): {problem['message']}: {problem['details']}")
    return "\n".join(lines)
