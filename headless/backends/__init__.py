"""Where rows run: one file a kind of worker, behind the one interface in `core.py`.

A back end is written like `urls.py`: a class with what `core.Worker` lists, and a function that opens a list of them
from what the command line says, as a context that stops whatever it started; `choice.py` calls it.

1. `run(task, pause)` blocks until the row has ended and returns an `End`, small and made of JSON alone. The driver
   calls it in a thread of its own, in `slots` threads at once: no event loop to feed, no callback to register.
2. Wherever it would wait it calls `pause(seconds, line)` instead, at least once a second: that shows `line` (how far
   it is), and raises `Stopped` when the driver is to stop. What leaves `run` by an exception first takes the row
   back from the worker (cancel it, interrupt it), so that nothing runs that nobody waits for. `Recalled` asks for a
   row that waits: one that has begun stays and is waited for. `Left` asks for nothing.
3. A worker that is gone raises `WorkerGone`: the row goes to another one, and that is no failure of the row. The driver
   asks `trouble()`, less and less often, before it hands that worker another row. A worker that is there and has lost
   the row (it was started anew) raises `TaskForgotten`. A row that ran and failed is an `End` with a `problem`: it is
   tried once more on another worker.
4. `task.ticket` is on disk before `run` is called. A driver that was killed leaves rows with tickets behind; the next
   one calls `run` with `task.is_resumed`, first on the worker of the same `name`: ask for that ticket before starting
   anew. A back end that cannot know (its workers died with the driver) starts the row again: Generate Dataset goes on
   with the set that lies there.

The driver owns all the rest: order, retries, what is on disk, what is shown.
"""
