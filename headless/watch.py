"""How far the running node is, from the server's web socket: a small reader of text frames (RFC 6455), no more."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import struct
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from evaluation.json_text import parse_json
from evaluation.progress import duration

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Watch:
    """The progress of the prompts that one client has queued. Without a connection it is silent, never an error.

    Args:
        url: of the server.
        client_id: under which the prompts are queued.
    """

    def __init__(self, url: str, client_id: str) -> None:
        self.url, self.client_id = url, client_id
        self._socket: socket.socket | None = None
        self._bytes = b""
        self._retry = 0.0
        self.heard = 0.0  # when a prompt of the client was last heard of, or the connection opened (monotonic)
        self._first: tuple[str, str, float, float] | None = None  # prompt, node, value and time at its start
        self._now: tuple[str, str, float, float] | None = None  # prompt, node, value, of how many

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, over which the server would tell of progress."""
        return self._socket is not None

    def poll(self) -> None:
        """Read what has arrived; returns at once."""
        if self._socket is None and time.monotonic() >= self._retry:
            self._retry = time.monotonic() + 10
            with contextlib.suppress(OSError, ValueError):
                self._connect()
        try:
            while self._socket is not None:
                data = self._socket.recv(65536)
                if not data:
                    self.close()
                self._bytes += data
                self._take_frames()
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            self.close()

    def line(self, prompt_id: str, graph: Mapping[str, Any]) -> str:
        """Such as "Generate Dataset 12.5 %, about 2 h 10 min left"; empty when nothing is known."""
        if self._now is None or self._now[0] != prompt_id or self._now[3] <= 1:
            return ""
        _, node, value, total = self._now
        title = graph.get(node, {}).get("_meta", {}).get("title", node)
        text = f"{title} {100 * value / total:.1f} %"
        if self._first and self._first[:2] == self._now[:2] and value > self._first[2]:
            left = (time.monotonic() - self._first[3]) / (value - self._first[2]) * (total - value)
            text += f", about {duration(left)} left"
        return text

    def close(self) -> None:
        """Closes the connection, if there is one; the next `poll` may open another."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._bytes = None, b""

    def _connect(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        link = socket.create_connection((parts.hostname or "127.0.0.1", port), timeout=5)
        if parts.scheme == "https":
            link = ssl.create_default_context().wrap_socket(link, server_hostname=parts.hostname)
        key = base64.b64encode(os.urandom(16)).decode()
        query = urllib.parse.urlencode({"clientId": self.client_id})
        link.sendall(
            f"GET {parts.path}/ws?{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            data = link.recv(4096)
            if not data or len(head) > 65536:
                raise ConnectionError("the server does not speak web socket")
            head += data
        status, self._bytes = head.split(b"\r\n\r\n", 1)
        if b" 101 " not in status.split(b"\r\n", 1)[0] + b" ":
            raise ConnectionError("the server refused the web socket")
        link.setblocking(False)
        self._socket, self.heard = link, time.monotonic()

    def _take_frames(self) -> None:
        while len(self._bytes) >= 2:
            kind, length, start = self._bytes[0] & 15, self._bytes[1] & 127, 2
            if length == 126:
                start = 4
            elif length == 127:
                start = 10
            if len(self._bytes) < start:
                return
            if start > 2:
                (length,) = struct.unpack(">H" if start == 4 else ">Q", self._bytes[2:start])
            if len(self._bytes) < start + length:
                return
            body, self._bytes = self._bytes[start : start + length], self._bytes[start + length :]
            if kind == TEXT:
                with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                    self._hear(parse_json(body))
            elif kind == PING:
                self._pong(body)
            elif kind == CLOSE:
                self.close()
                return

    def _pong(self, body: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body[:125]))
        if self._socket is not None:
            self._socket.sendall(bytes([128 | PONG, 128 | len(masked)]) + mask + masked)

    def _hear(self, message: Mapping[str, Any]) -> None:
        data = message["data"]
        if "prompt_id" in data:  # the length of the queue tells of no progress
            self.heard = time.monotonic()
        if message["type"] != "progress":
            return
        now = (str(data["prompt_id"]), str(data["node"]), float(data["value"]), float(data["max"]))
        if self._first is None or self._first[:2] != now[:2] or now[2] < self._first[2]:
            self._first = (*now[:3], time.monotonic())
        self._now = now
