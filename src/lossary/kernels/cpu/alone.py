"""What must not happen while kernels are imported, compiled or loaded: another thread at it, a fork, Ctrl-C.

The locks of llvmlite and of Python's imports stay closed in a process that is forked meanwhile, as nobody is left who
would open them: it goes without kernels.  An interruption waits, so that nothing stays half imported or half linked.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# One thread at a time imports, compiles or loads kernels.
_locks = [threading.RLock()]
_torn = [""]


@contextmanager
def compiling() -> Iterator[None]:
    """Holds the lock and keeps interruptions waiting."""
    with _locks[0], _uninterrupted():
        yield


def torn() -> str:
    """Why this process cannot have kernels that it does not have already, or nothing."""
    return _torn[0]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    # Python calls handlers in the main thread alone; None is a handler that was not set by Python.
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting:
            signal.raise_signal(signal.SIGINT)


def _look() -> None:
    if not _locks[0].acquire(blocking=False):
        _torn[0] = "this process was forked while another thread of its parent compiled kernels"
    _locks[0] = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_look)
