"""A small client of ComfyUI's HTTP API: queue a graph in API form, wait, read what came out."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from evaluation.json_text import parse_json

Graph = dict[str, Any]

_REFUSALS = (400, 500)  # ComfyUI's answers to a graph that it will not run, or that breaks a node's validation


class Rejected(ValueError):
    """The server refused the graph; `details` is its JSON answer, one entry a node that is wrong."""

    def __init__(self, details: dict[str, Any]) -> None:
        self.details = details
        super().__init__(_rejection_text(details))


class RunFailed(RuntimeError):
    """The run did not do all that was asked for; `entry` is the whole history entry, None where there is none."""

    def __init__(self, message: str, entry: dict[str, Any] | None = None) -> None:
        self.entry = entry
        super().__init__(message)


class NoAnswer(ConnectionError):
    """The server does not answer, or not as ComfyUI does. Nothing else of the client raises an OSError.

    Attributes:
        status: of the HTTP answer, 0 without one.
        body: of the HTTP answer.
    """

    def __init__(self, message: str, status: int = 0, body: str = "") -> None:
        self.status, self.body = status, body
        super().__init__(message)


class Client:
    """One ComfyUI server.

    Args:
        url: such as "http://127.0.0.1:8188".
        timeout: seconds that one answer may take.

    Raises:
        ValueError: `url` is no address of a server.
    """

    def __init__(self, url: str, client_id: str = "hyponet-headless", timeout: float = 60) -> None:
        self.url = checked_url(url)
        self.client_id, self.timeout = client_id, timeout
        self._node_infos: dict[str, dict[str, Any]] = {}

    def get(self, path: str, timeout: float | None = None) -> Any:
        """The JSON answer to GET `path`.

        Raises:
            NoAnswer: there is none.
        """
        return self._parsed(path, self._ask(path, None, timeout))

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer to POST `path`; None where the answer is empty.

        Raises:
            NoAnswer: there is none.
        """
        answer = self._ask(path, json.dumps(body).encode())
        return self._parsed(path, answer) if answer.strip() else None

    def alive(self) -> bool:
        """Whether the server answers."""
        return not self.trouble()

    def trouble(self) -> str:
        """Why the server does not answer, one line; empty when it does."""
        try:
            self.get("/queue", timeout=5)
        except NoAnswer as error:
            return str(error) or "no answer"
        return ""

    def object_info(self) -> dict[str, Any]:
        """What the server knows of each class of node."""
        infos: dict[str, Any] = self.get("/object_info", timeout=120)
        return infos

    def node_info(self, class_type: str) -> dict[str, Any]:
        """What the server knows of one class of node; empty for one that it does not have. Asked for once."""
        if class_type not in self._node_infos:
            with self._as_comfyui("/object_info"):
                answer = self.get(f"/object_info/{urllib.parse.quote(class_type, safe='')}")
                self._node_infos[class_type] = dict(answer.get(class_type) or {})
        return self._node_infos[class_type]

    def queue(self, graph: Graph, workflow: Graph | None = None, prompt_id: str = "") -> str:
        """Queue `graph` and return its prompt id.

        Args:
            prompt_id: an id of the caller's own, so that it can be written down before the server sees it.

        Raises:
            Rejected: the server's validation found errors. Where they leave some output nodes whole, the server queues
                those and says so in its answer; the prompt is withdrawn then, for half of a graph is not what was
                asked for.
            NoAnswer: the server does not answer.
        """
        body: dict[str, Any] = {"prompt": graph, "client_id": self.client_id}
        if prompt_id:
            body["prompt_id"] = prompt_id
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        try:
            answer = self.post("/prompt", body)
        except NoAnswer as error:
            if error.status not in _REFUSALS:
                raise
            try:
                details = parse_json(error.body)
            except ValueError:
                details = {"error": {"message": error.body or str(error)}}
            raise Rejected(details if isinstance(details, dict) else {"error": {"message": error.body}}) from None
        with self._as_comfyui("/prompt"):
            queued_id, node_errors = str(answer["prompt_id"]), answer.get("node_errors")
        if node_errors:
            self.withdraw([queued_id])
            message = "the server took only a part of the graph, so it was withdrawn"
            raise Rejected({"error": {"message": message}, "node_errors": node_errors})
        return queued_id

    def entry(self, prompt_id: str) -> dict[str, Any] | None:
        """The history entry of a finished prompt, or None while it waits or runs, or is not known."""
        with self._as_comfyui("/history"):
            entry: dict[str, Any] | None = self.get(f"/history/{urllib.parse.quote(prompt_id, safe='')}").get(prompt_id)
            if entry and not isinstance(entry["outputs"], dict):
                raise TypeError
        return entry or None

    def running(self) -> set[str]:
        """The ids of the prompts that run."""
        return self._queue()[0]

    def pending(self) -> set[str]:
        """The ids of all prompts that wait or run."""
        return set.union(*self._queue())

    def end(self, prompt_id: str) -> dict[str, Any] | None:
        """The history entry of a prompt that has ended; None while it waits or runs.

        Raises:
            LookupError: the server does not know it: its queue or history was cleared, or it was started anew.
        """
        if prompt_id in self.pending():  # asked first: what leaves the queue is in the history at once
            return None
        entry = self.entry(prompt_id)
        if entry is None:
            raise LookupError(
                f"the server no longer knows prompt {prompt_id}: its queue or its history was cleared, or it was "
                "started anew"
            )
        return entry

    def wait(
        self,
        prompt_id: str,
        timeout: float = 3600,
        tick: Callable[[], None] | None = None,
        poll: float = 0.1,
        patience: float = 0.0,
    ) -> dict[str, Any]:
        """The history entry of `prompt_id` once it succeeded.

        Args:
            timeout: seconds in all.
            tick: called between two questions.
            poll: seconds between two questions.
            patience: seconds that the server may be silent: busy, or started anew.

        Raises:
            RunFailed: a node failed, the run was interrupted, or the server no longer knows it.
            TimeoutError: it did not end within `timeout` seconds.
            NoAnswer: the server does not answer.
        """
        answered = time.monotonic()
        end = answered + timeout
        while time.monotonic() < end:
            try:
                entry = self.end(prompt_id)
                answered = time.monotonic()
            except LookupError as error:
                raise RunFailed(str(error.args[0])) from None
            except NoAnswer:
                if time.monotonic() - answered >= patience:
                    raise
                entry = None
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
        outputs: dict[str, Any] = self.wait(self.queue(graph, workflow), timeout)["outputs"]
        return outputs

    def withdraw(self, prompt_ids: Collection[str]) -> None:
        """Take prompts out of the queue, and interrupt the one of them that runs; others are left alone."""
        # twice: one may start between the look and the deletion, or still be on its way to the server; and ComfyUI
        # forgets an interrupt of one that is just starting
        for look in range(2):
            if look:
                time.sleep(0.3)
            running, waiting = (ids.intersection(prompt_ids) for ids in self._queue())
            if waiting:
                self.delete(waiting)
            for prompt_id in running:
                self.post("/interrupt", {"prompt_id": prompt_id})

    def delete(self, prompt_ids: Collection[str]) -> None:
        """Take prompts out of the queue, each in one step of the server: one that runs, or has just begun, goes on."""
        self.post("/queue", {"delete": sorted(prompt_ids)})

    def interrupt(self) -> None:
        """Interrupt whatever runs."""
        self.post("/interrupt", {})

    def free(self) -> None:
        """Ask the server to unload its models and forget its cached outputs."""
        self.post("/free", {"unload_models": True, "free_memory": True})

    def picture(self, image: dict[str, str]) -> bytes:
        """The file of one entry of an output's `images`.

        Raises:
            RunFailed: the server does not have it.
            NoAnswer: the server does not answer.
        """
        query = urllib.parse.urlencode([(key, image[key]) for key in ("filename", "subfolder", "type") if key in image])
        try:
            return self._ask(f"/view?{query}", None)
        except NoAnswer as error:
            if not error.status:
                raise
            raise RunFailed(f"the server shows {image['filename']} but cannot send it: {error}") from None

    def _queue(self) -> tuple[set[str], set[str]]:
        """The ids of the prompts that run, and of those that wait."""
        with self._as_comfyui("/queue"):
            queue = self.get("/queue")
            return {row[1] for row in queue["queue_running"]}, {row[1] for row in queue["queue_pending"]}

    def _ask(self, path: str, data: bytes | None, timeout: float | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=timeout or self.timeout) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            text = ""
            with contextlib.suppress(OSError, http.client.HTTPException):
                text = error.read().decode("utf-8", "replace")
            raise NoAnswer(f"{self.url}{path} answers {error.code} {error.reason}", error.code, text) from None
        except urllib.error.URLError as error:
            raise NoAnswer(str(error.reason)) from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(str(error) or type(error).__name__) from None

    def _parsed(self, path: str, answer: bytes) -> Any:
        try:
            return parse_json(answer)
        except ValueError:
            raise NoAnswer(f"{self.url}{path} answers no JSON; expected a ComfyUI server there") from None

    @contextlib.contextmanager
    def _as_comfyui(self, path: str) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, IndexError, AttributeError):
            raise NoAnswer(
                f"{self.url}{path} answers otherwise than ComfyUI; expected a ComfyUI server there"
            ) from None


def checked_url(url: str) -> str:
    """`url` without slashes at its end.

    Raises:
        ValueError: it is no address of a server.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(letter.isspace() for letter in url):
        raise ValueError(f"the address of the server is {url!r}; expected one such as http://127.0.0.1:8188")
    return url.rstrip("/")


def failure(entry: Mapping[str, Any]) -> str:
    """What went wrong in a history entry, one line; empty when it succeeded."""
    status = entry.get("status") or {}
    if status.get("status_str") == "success":
        return ""
    for kind, message in status.get("messages") or []:
        if kind == "execution_error":
            node = f"{message['node_type']} (node {message['node_id']})"
            return f"{node}: {message['exception_type']}: {message['exception_message'].strip()}"
        if kind == "execution_interrupted":
            return f"interrupted in {message.get('node_type', 'a node')}"
    return "the run failed; the server's log says more"


def _rejection_text(details: dict[str, Any]) -> str:
    error = details.get("error") or {}
    if isinstance(error, str):
        error = {"message": error}
    lines = [f"{error.get('message', 'the graph was refused')} {error.get('details', '')}".strip()]
    for node_id, node in (details.get("node_errors") or {}).items():
        for problem in node["errors"]:
            lines.append(f"{node['class_type']} (node {node_id}): {problem['message']}: {problem['details']}")
    return "\n".join(lines)
