"""Progress over a web socket, against a small server that sends frames as RFC 6455 has them, cut in awkward places."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time

from hyponet.headless.watch import Watch

GRAPH = {"7": {"class_type": "X", "inputs": {}, "_meta": {"title": "Generate Dataset"}}}


def frame(body, kind=1):
    """One unmasked frame, as a server sends it."""
    length = len(body)
    if length < 126:
        head = struct.pack(">BB", 128 | kind, length)
    else:
        head = struct.pack(">BBH", 128 | kind, 126, length)
    return head + body


def progress(prompt, value, total, padding=""):
    data = {"prompt_id": prompt, "node": "7", "value": value, "max": total, "padding": padding}
    return frame(json.dumps({"type": "progress", "data": data}).encode())


def served(*chunks):
    """The address of a server that answers one web socket with `chunks`, and where it puts what it hears."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        link, _ = listener.accept()
        heard.append(link.recv(4096))
        link.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        for chunk in chunks:
            link.sendall(chunk)
            time.sleep(0.02)
        heard.append(link.recv(4096))
        link.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", heard


def until(watch, wanted):
    end = time.monotonic() + 10
    while wanted not in watch.line("p", GRAPH):
        watch.poll()
        assert time.monotonic() < end, watch.line("p", GRAPH)
        time.sleep(0.01)


def test_frames_arrive_in_pieces_among_others():
    first, second = progress("p", 10, 200), progress("p", 50, 200, padding="x" * 300)
    previews = frame(b"\x00\x00\x00\x01" + bytes(200), kind=2)
    chunks = [first[:1], first[1:9], first[9:] + previews + second[:100], second[100:] + frame(b"hello", kind=9)]
    url, heard = served(*chunks)
    watch = Watch(url, "me")
    until(watch, "Generate Dataset 25.0 %")
    assert "left" in watch.line("p", GRAPH)
    assert watch.line("another prompt", GRAPH) == ""
    end = time.monotonic() + 10
    while len(heard) < 2 and time.monotonic() < end:
        watch.poll()
        time.sleep(0.01)
    assert b"GET /ws?clientId=me HTTP/1.1" in heard[0]
    head, mask, body = heard[1][:2], heard[1][2:6], heard[1][6:]
    assert head == bytes([128 | 10, 128 | 5])  # a masked pong of five bytes
    assert bytes(byte ^ mask[place % 4] for place, byte in enumerate(body)) == b"hello"
    watch.close()


def test_without_a_server_it_is_silent():
    watch = Watch("http://127.0.0.1:9", "me")
    watch.poll()
    watch.poll()
    assert watch.line("p", GRAPH) == ""


def test_a_prompt_is_heard_of_and_the_length_of_the_queue_is_no_news_of_it():
    """The messages are those of ComfyUI 0.3.75 (execution.py, server.py)."""
    executing = {"type": "executing", "data": {"node": "7", "display_node": "7", "prompt_id": "p"}}
    status = {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 2}}}}
    for message, is_news in ((status, False), (executing, True)):
        watch = Watch("http://127.0.0.1:1", "me")
        watch._bytes = frame(json.dumps(message).encode())
        watch._take_frames()
        assert watch._bytes == b""
        assert bool(watch.heard) == is_news


def test_an_open_connection_is_told_from_none():
    url, _ = served(progress("p", 5, 10))
    watch = Watch(url, "me")
    assert not watch.is_open
    before = time.monotonic()
    watch.poll()
    assert watch.is_open
    assert watch.heard >= before  # what was missed before it opened is no standstill
    watch.close()
    assert not watch.is_open
