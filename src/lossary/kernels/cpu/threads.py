"""Work spread over a few threads that compute without Python's lock.

Plain threads, so nothing here minds a fork, a nested pool, or the OpenMP of another library: a forked child starts
its own when it first needs them, and whoever calls does a share of the work itself, so no call can wait for another.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")


def count() -> int:
    """How many threads a kernel may use: PyTorch's setting once it is loaded, else OMP_NUM_THREADS, else the cores."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        return max(1, int(torch.get_num_threads()))
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if first.isdecimal() and int(first) > 0:
        return int(first)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(function: Callable[[Task], int], tasks: Sequence[Task]) -> int:
    """Calls the function on every task and returns the bits of all results together."""
    helpers = min(count(), len(tasks)) - 1
    if not helpers:
        return reduce(or_, map(function, tasks))
    job = Job(function, tasks)
    _helpers.call(helpers, job)
    try:
        job.work()
    finally:
        job.close()
    return job.result()


class Job(Generic[Task]):
    """Tasks from which several threads take, and what became of them.

    A helper counts from the moment it begins, not from the moment it is called: one that comes late, or never, finds
    nothing to do, and waiting for it could mean waiting for ourselves.
    """

    def __init__(self, function: Callable[[Task], int], tasks: Sequence[Task]) -> None:
        self._function, self._tasks = function, deque(tasks)
        self._change = Condition()
        self._working = self._found = 0
        self._error: BaseException | None = None

    def help(self) -> None:
        """Does a share of the work; an error is raised by `result`."""
        with self._change:
            if not self._tasks:
                return
            self._working += 1
        try:
            self.work()
        except BaseException as error:
            self._error = error
        finally:
            with self._change:
                self._working -= 1
                self._change.notify()

    def work(self) -> None:
        """Takes tasks until none is left."""
        found = 0
        while True:
            try:
                task = self._tasks.popleft()
            except IndexError:
                break
            found |= self._function(task)
        with self._change:
            self._found |= found

    def close(self) -> None:
        """Gives up what nobody has begun, and returns once what somebody has is done."""
        self._tasks.clear()
        with self._change:
            self._change.wait_for(lambda: not self._working)

    def result(self) -> int:
        """The bits of all results together."""
        if self._error is not None:
            raise self._error
        return self._found


class _Helpers:
    """Threads that wait for jobs, started when they are first needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: SimpleQueue[Job[Any]] = SimpleQueue()
        self._size = 0

    def call(self, wanted: int, job: Job[Any]) -> None:
        """Asks so many threads for help, or as many as can be started."""
        with self._lock:
            # None can be started at the system's limit, or while the interpreter ends: then fewer do the same work.
            with contextlib.suppress(RuntimeError):
                while self._size < wanted:
                    Thread(target=self._serve, name="lossary", daemon=True).start()
                    self._size += 1
            for _ in range(min(wanted, self._size)):
                self._waiting.put(job)

    def _serve(self) -> None:
        while True:
            self._waiting.get().help()

    def forget(self) -> None:
        """In a forked child the threads of the parent do not exist."""
        self.__init__()  # type: ignore[misc]


_helpers = _Helpers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.forget)
