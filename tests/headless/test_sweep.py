"""The driver's decisions over a server that is played here: what runs when, what is skipped, lost, held back.

tests/comfy/test_sweep.py has the same driver over a real server.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from hyponet.headless.backends.urls import UrlWorker
from hyponet.headless.client import Client, Rejected
from hyponet.headless.console import Console
from hyponet.headless.row_ends import MAX_LOSSES
from hyponet.headless.schedule import Schedule
from hyponet.headless.state import DONE, FAILED, QUEUED, RowState, State
from hyponet.headless.sweep import Driver
from hyponet.headless.sweep_file import SweepRow

WEIGHTS = (1.0, 0.1, 0.2, 0.3)  # 0.1 + 0.2 + 0.3 is 0.6000000000000001
SUCCESS = {"status": {"status_str": "success", "messages": []}, "outputs": {}}
ERROR = {"status": {"status_str": "error", "messages": []}, "outputs": {}}


class PlayedServer:
    """Ends every prompt at the second question; graphs named in `failing` fail, in `refused` are refused."""

    url, client_id = "http://127.0.0.1:9", "test"

    def __init__(self, failing=(), refused=(), forgetting=0):
        self.failing, self.refused, self.forgetting = failing, refused, forgetting
        self.order, self.names, self.questions, self.most = [], {}, {}, 0

    def queue(self, graph, prompt_id):
        if graph["1"]["name"] in self.refused:
            raise Rejected({"error": {"message": "refused"}})
        self.order.append(graph["1"]["name"])
        self.names[prompt_id] = graph["1"]["name"]
        self.questions[prompt_id] = 0
        self.most = max(self.most, len(self.pending()))

    def trouble(self):
        return ""

    def node_info(self, class_type):
        return {}

    def end(self, prompt_id):
        if self.forgetting and prompt_id in self.questions:
            self.forgetting -= 1
            del self.questions[prompt_id]
        if prompt_id in self.questions:
            self.questions[prompt_id] += 1
        return Client.end(self, prompt_id)  # over the two below

    def pending(self):
        return {prompt_id for prompt_id, asked in self.questions.items() if asked < 2}

    def entry(self, prompt_id):
        if prompt_id not in self.questions:
            return None
        return ERROR if self.names[prompt_id] in self.failing else SUCCESS


def rows(text):
    """Rows "name:group ..."."""
    pairs = [part.split(":") for part in text.split()]
    return [
        SweepRow(name, group, 1.0, {"1": {"class_type": "X", "inputs": {}, "name": name}}, f"key of {name}")
        for name, group in pairs
    ]


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state")


def drive(text, state, server):
    return Driver([UrlWorker(server, poll=0)], rows(text), state, Console()).run()


def test_groups_keep_their_order_and_the_last_row_waits_for_all(state):
    server = PlayedServer()
    tally = drive("report:last a1:a a2:a b1:b c1:c", state, server)
    assert sorted(server.order[:4]) == ["a1", "a2", "b1", "c1"]
    assert server.order.index("a1") < server.order.index("a2")
    assert server.order[4:] == ["report"]
    assert server.most <= 2, "few prompts wait in the server's queue"
    assert (tally.done, tally.skipped, tally.failed, tally.held_back) == (5, 0, 0, 0)
    assert tally.is_complete


@pytest.mark.parametrize("trouble", ["failing", "refused"])
def test_a_failure_holds_back_its_group_alone(state, trouble):
    server = PlayedServer(**{trouble: {"a1"}})
    tally = drive("a1:a a2:a b1:b report:last", state, server)
    assert [name for name in server.order if name != "a1"] == ["b1", "report"]
    assert (tally.done, tally.failed, tally.held_back) == (2, 1, 1)
    assert not tally.is_complete


def test_what_is_done_is_skipped_and_the_last_row_runs_again_only_after_others(state):
    text = "report:last a:a b:b"
    drive(text, state, PlayedServer())
    again = PlayedServer()
    tally = drive(text, state, again)
    assert again.order == []
    assert (tally.done, tally.skipped) == (0, 3)
    state.write("b", RowState(key="key of another b", status=DONE))
    changed = PlayedServer()
    tally = drive(text, state, changed)
    assert changed.order == ["b", "report"]
    assert (tally.done, tally.skipped) == (2, 1)


def test_what_is_left_is_counted_as_rows_end_and_is_nothing_at_the_end(state):
    """By hand; the last of these weights does not take away all that is left, in floating point."""
    state.write("a", RowState(key="key of a", status=DONE))
    weighted = zip(rows("a:a b:b c:c d:d"), WEIGHTS, strict=True)
    schedule = Schedule([replace(row, weight=weight) for row, weight in weighted], state)
    counts = [(schedule.over_count, schedule.weight_left)]
    for is_done in (True, False, True):
        schedule.end(schedule.take("worker", True, ["worker"]), is_done)
        counts.append((schedule.over_count, schedule.weight_left))
    assert [count for count, _ in counts] == [1, 2, 3, 4]
    assert [weight for _, weight in counts[:3]] == pytest.approx([0.6, 0.5, 0.3])
    assert counts[3][1] == 0, "or a time would be left where nothing is"


def test_a_failed_row_runs_again(state):
    state.write("a", RowState(key="key of a", status=FAILED, losses=MAX_LOSSES))
    assert drive("a:a", state, PlayedServer()).done == 1


def test_what_an_earlier_driver_queued_is_asked_for_and_not_queued_again(state):
    state.write("a", RowState(key="key of a", status=QUEUED, prompt_id="earlier"))
    server = PlayedServer()
    server.names["earlier"], server.questions["earlier"] = "a", 0
    assert drive("a:a", state, server).done == 1
    assert server.order == []


@pytest.mark.parametrize(("forgetting", "status"), [(MAX_LOSSES - 1, DONE), (MAX_LOSSES, FAILED)])
def test_a_row_that_the_server_loses_again_and_again_is_given_up(state, forgetting, status):
    drive("a:a", state, PlayedServer(forgetting=forgetting))
    assert state.read("a").status == status
    assert state.read("a").losses == forgetting
