"""Pretended ComfyUI servers for benchmarks/farm.py: any number behind one port, told apart by the path, as /7/queue.

    python benchmarks/farm_servers.py --seconds 30 [--pictures 8]

Each runs its prompts one after the other, so many seconds each, by the clock alone. Prints its port.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import time
from dataclasses import dataclass, field
from typing import Any

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@dataclass
class Pretended:
    """One server: prompt -> (graph, when it begins, when it ends)."""

    prompts: dict[str, tuple[Any, float, float]] = field(default_factory=dict)
    free_at: float = 0.0

    def queue(self, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        begin = max(time.monotonic(), self.free_at)
        self.free_at = begin + seconds
        self.prompts[body["prompt_id"]] = (body["prompt"], begin, self.free_at)
        return {"prompt_id": body["prompt_id"], "number": 1, "node_errors": {}}

    def waiting(self) -> dict[str, Any]:
        now = time.monotonic()
        rows = [(begin, [0, name, {}]) for name, (_, begin, end) in self.prompts.items() if end > now]
        running = [row for begin, row in rows if begin <= now]
        return {"queue_running": running, "queue_pending": [row for begin, row in rows if begin > now]}

    def history(self, name: str, seconds: float, pictures: int) -> dict[str, Any]:
        if name not in self.prompts or self.prompts[name][2] > time.monotonic():
            return {}
        graph = self.prompts[name][0]
        messages = [["execution_start", {"timestamp": 0}], ["execution_success", {"timestamp": 1000 * seconds}]]
        facts = {"hyponet": [{"name": "set", "images": pictures, "missing": 0}], "text": ["done"]}
        status = {"status_str": "success", "completed": True, "messages": messages}
        return {
            name: {"prompt": [0, name, {}, {}, list(graph)], "outputs": dict.fromkeys(graph, facts), "status": status}
        }

    def delete(self, names: list[str]) -> None:
        for name in names:
            self.prompts.pop(name, None)


async def serve(seconds: float, pictures: int) -> None:
    """Answer until killed."""
    servers: dict[str, Pretended] = {}

    def answer(path: str, body: bytes) -> Any:
        number, _, rest = path[1:].partition("/")
        server = servers.setdefault(number, Pretended())
        kind, _, name = rest.partition("/")
        if kind == "prompt":
            return server.queue(json.loads(body), seconds)
        if kind == "history":
            return server.history(name, seconds, pictures)
        if body:
            command = json.loads(body)
            server.delete([*command.get("delete", []), *filter(None, [command.get("prompt_id")])])
            return {}
        return server.waiting() if kind == "queue" else {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        path = first.split()[1]
        if "/ws?" in path:  # stays open and says nothing
            writer.write(SWITCHING)
            with contextlib.suppress(ConnectionError):
                await reader.read()
        else:
            lengths = [int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")]
            text = json.dumps(answer(path, await reader.readexactly(lengths[0]) if lengths else b"")).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + text)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--pictures", type=int, default=8)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(serve(options.seconds, options.pictures))


if __name__ == "__main__":
    main()
