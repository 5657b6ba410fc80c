"""A process forked while another thread imports or compiles kernels goes without them.

The locks of Numba and of Python's imports stay closed in it, as nobody is left who would open them.
"""

from __future__ import annotations

import os
from threading import RLock

# One thread at a time imports, compiles or loads kernels.
_locks = [RLock()]
_torn = [""]


def compiling() -> RLock:
    """The lock to hold while kernels are imported, compiled or loaded."""
    return _locks[0]


def torn() -> str:
    """Why this process cannot have kernels that it does not have already, or nothing."""
    return _torn[0]


def _look() -> None:
    if not _locks[0].acquire(blocking=False):
        _torn[0] = "this process was forked while another thread of its parent compiled kernels"
    _locks[0] = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_look)
