"""A server that answers as ComfyUI does (server.py of 0.3.75), by a script, in this process and over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

SAVE = {"1": {"class_type": "SaveImage", "inputs": {"n": 1, "text": "t"}, "_meta": {"title": "Save"}}}
INFOS = {
    "SaveImage": {"output_node": True, "input": {"required": {"n": ["INT", {}], "text": ["STRING", {}]}}},
    "HypoNetGenerateDataset": {"output_node": True, "input": {"required": {}, "optional": {"cfg": ["FLOAT", {}]}}},
    "HypoNetPlanDataset": {"output_node": False, "input": {"required": {"n": ["INT", {}]}}},
    "Silent": {"output_node": True, "input": {}},
}
SHOWN = {"name": "pets", "path": "/x/pets", "images": 8, "missing": 0}
GRAPH = {
    **SAVE,
    "2": {"class_type": "HypoNetPlanDataset", "inputs": {"n": 3}, "_meta": {"title": "Plan"}},
    "3": {"class_type": "HypoNetGenerateDataset", "inputs": {"plan": ["2", 0]}, "_meta": {"title": "Generate"}},
}


def generated(**facts: Any) -> dict[str, Any]:
    """What GRAPH shows at its end."""
    return {"1": {"images": []}, "3": {"text": ["8 images"], "hyponet": [{**SHOWN, **facts}]}}


def failing(kind: str, **message: Any) -> Callable[[ScriptedComfy], None]:
    """A script of a server whose prompts end with that message."""

    def script(server: ScriptedComfy) -> None:
        server.status = "error"
        server.messages = [[kind, {"node_type": "KSampler", "node_id": "7", **message}]]

    return script


def show_files(server: ScriptedComfy, *entries: tuple[str, str, bytes]) -> None:
    """Let the server show files (subfolder, filename, content)."""
    shown = [{"filename": name, "subfolder": folder, "type": "output"} for folder, name, _ in entries]
    server.outputs = {**generated(), "1": {"images": shown}}
    server.files = {("output", folder, name): content for folder, name, content in entries}


def saved(folder: Path) -> dict[str, bytes]:
    """Path below `folder` -> content of each file there."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sweep_on(flow: Path, server: ScriptedComfy) -> tuple[Path, list[str]]:
    """The state's folder and the command line of a sweep whose one row `a` runs `flow`."""
    (flow.parent / "s.csv").write_text("name,workflow\na,flow.json\n")
    state = flow.parent / "state"
    return state, ["sweep", str(flow.parent / "s.csv"), "--url", server.url, "--state", str(state), "--patience", "5"]


class ScriptedComfy:
    """One server.

    Attributes:
        outputs: node id -> what it shows, of each prompt that ends.
        messages, status: of each prompt that ends.
        node_errors: in the answer to POST /prompt; the nodes named there do not run.
        holding: "running" or "waiting" keeps prompts there; "" ends them at once.
        files: /view's, by (type, subfolder, filename).
        replaced: path -> (status, body) answered instead.
        hooks: path -> called before it is answered.
        prompts, posts: what was heard: graphs, and (path, body) of the other posts.
    """

    def __init__(self, port: int = 0) -> None:
        self.outputs: dict[str, Any] = {"1": {"images": []}}
        self.messages: list[Any] = []
        self.status, self.holding = "success", ""
        self.node_errors: dict[str, Any] = {}
        self.files: dict[tuple[str, str, str], bytes] = {}
        self.replaced: dict[str, tuple[int, bytes]] = {}
        self.hooks: dict[str, Callable[[], None]] = {}
        self.prompts: list[dict[str, Any]] = []
        self.posts: list[tuple[str, Any]] = []
        self.running: dict[str, Any] = {}
        self.waiting: dict[str, Any] = {}
        self.history: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Be started anew."""
        self.running, self.waiting, self.history = {}, {}, {}

    def finish(self, prompt_id: str, graph: Any) -> None:
        """Write the history entry of a prompt."""
        targets = [id_ for id_, node in graph.items() if INFOS.get(node["class_type"], {}).get("output_node")]
        self.history[prompt_id] = {
            "prompt": [0, prompt_id, graph, {}, [id_ for id_ in targets if id_ not in self.node_errors]],
            "outputs": self.outputs,
            "status": {"status_str": self.status, "completed": True, "messages": self.messages},
        }

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path == "/queue":
            running, waiting = ([[0, id_, graph] for id_, graph in ids.items()] for ids in (self.running, self.waiting))
            return 200, {"queue_running": running, "queue_pending": waiting}
        if path == "/view":
            content = self.files.get((query["type"], query["subfolder"], query["filename"]))
            return (404, {}) if content is None else (200, content)
        kind, _, name = path[1:].partition("/")
        found = {"history": self.history, "object_info": INFOS}.get(kind)
        return (404, {}) if found is None else (200, {name: found[name]} if name in found else {})

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        if path != "/prompt":
            self.posts.append((path, body))
            for prompt_id in body.get("delete", []):
                self.waiting.pop(prompt_id, None)
            if path == "/interrupt" and self.running.pop(body.get("prompt_id"), None):
                self.status = "error"
            return 200, b""
        self.prompts.append(body["prompt"])
        prompt_id = body.get("prompt_id") or f"prompt-{len(self.prompts)}"
        place = {"running": self.running, "waiting": self.waiting}.get(self.holding)
        if place is None:
            self.finish(prompt_id, body["prompt"])
        else:
            place[prompt_id] = body["prompt"]
        return 200, {"prompt_id": prompt_id, "number": 1, "node_errors": self.node_errors}

    def _handler(script) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
                self._reply(parts.path, lambda: script.get(parts.path, query))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._reply(self.path, lambda: script.post(self.path, body))

            def _reply(self, path: str, answer: Callable[[], tuple[int, Any]]) -> None:
                start = "/" + path.split("/")[1]
                if start in script.hooks:
                    script.hooks[start]()
                status, content = script.replaced[start] if start in script.replaced else answer()
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
