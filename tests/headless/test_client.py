"""The client over a scripted server: what ends a wait, what counts as refused, and who is no ComfyUI."""

from __future__ import annotations

from functools import partial

import pytest

from hyponet.headless.client import Client, NoAnswer, Rejected, RunFailed

from .scripted import SAVE

BAD_NODE = {  # as ComfyUI 0.3.75 answers, with status 200 where another output node can run
    "1": {
        "errors": [{"message": "Value not in list", "details": "ckpt_name: 'x' not in []"}],
        "dependent_outputs": ["1"],
        "class_type": "CheckpointLoaderSimple",
    }
}


def clear_queue(server):
    server.running, server.waiting = {}, {}


def clear_history_as_it_ends(server):
    server.finish("mine", SAVE)
    clear_queue(server)
    server.history = {}


@pytest.mark.parametrize("holding", ["running", "waiting"])
@pytest.mark.parametrize("event", [clear_queue, clear_history_as_it_ends, lambda server: server.forget()])
def test_a_prompt_that_nobody_knows_ends_the_wait(server, holding, event):
    server.holding = holding
    client = Client(server.url)
    prompt_id = client.queue(SAVE, prompt_id="mine")
    ticks = []

    def tick():
        ticks.append(1)
        if len(ticks) == 3:
            event(server)

    with pytest.raises(RunFailed, match="no longer knows prompt mine"):
        client.wait(prompt_id, timeout=20, tick=tick, poll=0.01)
    assert len(ticks) == 3, "it waits as long as the server knows it"


@pytest.mark.parametrize("holding", ["running", "waiting"])
def test_whether_it_has_ended_costs_one_question_while_it_waits_or_runs(server, holding):
    """A farm asks all day, each server for each of its rows."""
    server.holding = holding
    client = Client(server.url)
    client.queue(SAVE, prompt_id="mine")
    asked = []
    server.hooks = {path: partial(asked.append, path) for path in ("/queue", "/history")}
    assert client.end("mine") is None
    assert asked == ["/queue"]


def test_one_that_ends_between_two_questions_is_no_lost_one(server):
    server.holding = "running"
    client = Client(server.url)
    client.queue(SAVE, prompt_id="mine")

    def ends():
        if server.running:
            server.finish("mine", server.running.pop("mine"))

    server.hooks["/queue"] = ends
    assert client.wait("mine", timeout=20, poll=0.01)["outputs"] == server.outputs


@pytest.mark.parametrize("holding", ["running", "waiting", ""])
def test_a_graph_that_is_taken_in_part_is_refused_and_withdrawn(server, holding):
    server.holding, server.node_errors = holding, BAD_NODE
    others = {"theirs": SAVE}
    server.waiting.update(others)
    with pytest.raises(Rejected, match=r"only a part[\s\S]*CheckpointLoaderSimple \(node 1\): Value not in list: ckpt"):
        Client(server.url).queue(SAVE, prompt_id="mine")
    assert "mine" not in server.running
    assert server.waiting == others, "another's prompt is left alone"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"error": {"message": "Prompt has no outputs", "details": ""}, "node_errors": {}}', "Prompt has no outputs"),
        (b'{"error": "no prompt", "node_errors": []}', "no prompt"),
        (b"400: Bad Request", "400: Bad Request"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_server(server, body, says):
    server.replaced["/prompt"] = (400, body)
    with pytest.raises(Rejected, match=says):
        Client(server.url).queue(SAVE)


OTHER_ANSWERS = [
    (200, b"<html>"),
    (200, b"[]"),
    (200, b"null"),
    (200, b"{}"),  # of /history that is ComfyUI's own, for a prompt that has not ended
    (404, b"none"),
    (502, b"<html>"),
    (401, b""),
]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (path, status, body)
        for path in ("/prompt", "/queue", "/history")
        for status, body in OTHER_ANSWERS
        if (path, body) != ("/history", b"{}")
    ],
)
def test_another_web_server_is_no_comfyui(server, path, status, body):
    server.replaced[path] = (status, body)
    client = Client(server.url)
    ask = {"/prompt": lambda: client.queue(SAVE), "/queue": client.pending, "/history": lambda: client.entry("x")}[path]
    with pytest.raises(NoAnswer, match=r"answers (no JSON|otherwise than ComfyUI|404|502|401)"):
        ask()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8188", "localhost", "ftp://host", "http://", "http://host:port", "http://a b"]
)
def test_what_is_no_address_is_told_what_one_looks_like(url):
    with pytest.raises(ValueError, match="expected one such as http://127"):
        Client(url)


def test_withdrawing_meets_a_prompt_that_starts_meanwhile(server):
    """The prompt leaves the queue between the look at it and the deletion, as the one before it ends."""
    server.waiting["mine"] = SAVE
    looks = []

    def starts():
        looks.append(1)
        if len(looks) == 2:
            server.running["mine"] = SAVE

    server.hooks["/queue"] = lambda: starts() if not looks or len(looks) == 1 else None
    Client(server.url).withdraw(["mine"])
    server.hooks.clear()
    assert not server.running
    assert not server.waiting


def test_an_interrupt_that_the_server_forgets_is_sent_again(server):
    """ComfyUI 0.3.75 takes the mark of an interrupt away as it starts a prompt (execution.py, execute_async)."""
    server.running["mine"] = SAVE
    post, forgotten = server.post, []

    def forgetful(path, body):
        answer = post(path, body)
        if path == "/interrupt" and not forgotten:
            forgotten.append(body["prompt_id"])
            server.running["mine"] = SAVE
        return answer

    server.post = forgetful
    Client(server.url).withdraw(["mine"])
    assert forgotten == ["mine"]
    assert not server.running
