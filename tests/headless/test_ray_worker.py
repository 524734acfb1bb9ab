"""What the driver learns from actors of Ray. The cluster is played, its errors are Ray's own;
tests/headless/test_farm_backends.py has a real one.
"""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from hyponet.headless.backends.core import Recalled, Task
from hyponet.headless.backends.own_server import ServerFailed, ServerSpec
from hyponet.headless.backends.ray_actors import RayWorker, ServerActor, _cause, _wait_for_one

from .test_farm_backends import PRETENDED


class PlayedRay:
    """Refs are what they give: an error is raised."""

    def __init__(self) -> None:
        import ray.exceptions

        self.exceptions = ray.exceptions

    def wait(self, refs, timeout=None):
        ready = [ref for ref in refs if ref != "pending"]
        return ready[:1], [ref for ref in refs if ref not in ready[:1]]

    def get(self, ref):
        if isinstance(ref, Exception):
            raise ref
        return ref

    def failed(self, cause: Exception) -> Exception:
        return self.exceptions.RayTaskError("start", "Traceback", cause)


def test_each_actor_s_reason_is_told_where_none_starts():
    """The regression: of several the last one alone was told."""
    ray = PlayedRay()
    reasons = ["no CUDA on node a", "no main.py on node b", "no CUDA on node a"]
    workers = [
        SimpleNamespace(name=f"ray-{number}", starting=ray.failed(ServerFailed(reason)))
        for number, reason in enumerate(reasons, 1)
    ]
    workers.append(SimpleNamespace(name="ray-4", starting="pending"))
    with pytest.raises(ValueError, match="ray-1") as raised:
        _wait_for_one(ray, workers, 0.2)
    assert str(raised.value) == (
        "ray-1, ray-3: no CUDA on node a; ray-2: no main.py on node b; ray-4: not started in 0 s; is the cluster full?"
    )


def test_why_an_actor_takes_no_row_is_told():
    ray = PlayedRay()
    actor = SimpleNamespace(start=SimpleNamespace(remote=lambda: ray.failed(ServerFailed("no CUDA"))))
    assert RayWorker(ray, actor, "ray-1").trouble() == "no CUDA"


def test_a_row_is_called_back_on_the_actor_and_only_there_it_is_known_whether_it_waits():
    actor = ServerActor(ServerSpec(str(PRETENDED), "t"), "ray-1")
    calls = []

    def run(task, pause):
        while True:
            try:
                pause(0.01, "line")
            except Recalled:
                calls.append(task.ticket)
                if len(calls) == 2:  # it waited still; the first time it had begun
                    raise

    actor.host.run = run
    ends = []

    def serve():
        try:
            actor.run(Task("row", {}, "ticket"))
        except Recalled as error:
            ends.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    actor.recall("ticket")
    while not calls:
        time.sleep(0.01)
    assert thread.is_alive()
    actor.recall("ticket")
    thread.join(30)
    assert len(ends) == 1
    assert isinstance(_cause(PlayedRay().failed(ends[0])), Recalled)  # as the driver gets it


def test_the_driver_s_side_asks_the_actor_and_goes_on():
    """The regression: it withdrew the row, which interrupts one that runs."""
    asked = []

    class Ray(PlayedRay):
        def wait(self, refs, timeout=None):
            return (refs, []) if asked and refs == ["row"] else ([], refs)

        def get(self, ref):
            return "end"

    def method(name, gives):
        return SimpleNamespace(remote=lambda *arguments: asked.append(name) if name == "recall" else gives)

    names = {"run": "row", "line": "pending", "start": "pending", "recall": "", "withdraw": ""}
    actor = SimpleNamespace(**{name: method(name, gives) for name, gives in names.items()})

    def pause(seconds, line):
        raise Recalled

    assert RayWorker(Ray(), actor, "ray-1").run(Task("row", {}, "ticket"), pause) == "end"
    assert asked == ["recall"]
