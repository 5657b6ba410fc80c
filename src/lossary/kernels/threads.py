"""Work spread over a few threads that compute without Python's lock.

Plain threads, so nothing here minds a fork, a nested pool, or the OpenMP of another library: a forked child starts
its own when it first needs them, and whoever calls does a share of the work itself, so no call can wait for another.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

Task = TypeVar("Task")
_lock = Lock()
_pool: ThreadPoolExecutor | None = None
_size = 0


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
    if helpers < 1:
        return _work(function, deque(tasks))
    queue = deque(tasks)
    futures = _start(helpers, function, queue)
    try:
        found = _work(function, queue)
    finally:
        queue.clear()
        # A helper that has not begun finds nothing to do; waiting for it could mean waiting for ourselves.
        begun = [future for future in futures if not future.cancel()]
    for future in begun:
        found |= future.result()
    return found


def _start(helpers: int, function: Callable[[Task], int], queue: deque[Task]) -> list[Future[int]]:
    try:
        pool = _threads(helpers)
        return [pool.submit(_work, function, queue) for _ in range(helpers)]
    except RuntimeError:
        return []  # The interpreter is shutting down, or no thread can be started: the caller works alone.


def _work(function: Callable[[Task], int], queue: deque[Task]) -> int:
    found = 0
    while True:
        try:
            task = queue.popleft()
        except IndexError:
            return found
        found |= function(task)


def _threads(helpers: int) -> ThreadPoolExecutor:
    global _pool, _size
    with _lock:
        if _pool is None or _size < helpers:
            _pool, _size = ThreadPoolExecutor(helpers, thread_name_prefix="lossary"), helpers
        return _pool


def _forget() -> None:
    """In a forked child the threads of the parent do not exist."""
    global _pool, _size, _lock
    _pool, _size, _lock = None, 0, Lock()


def _register() -> Any:
    return os.register_at_fork(after_in_child=_forget) if hasattr(os, "register_at_fork") else None


_register()
