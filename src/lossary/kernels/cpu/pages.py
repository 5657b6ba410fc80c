"""Memory for large gradients.

Fresh pages cost more than the arithmetic: the system clears each before it is first written.  The C library hands the
same pages out again where a gradient is small; of a larger one it may give them back to the system, as the rest of the
heap has it, and above 32 MiB it always does.  So the last of those that was let go is kept here for the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

# From here on keeping it costs less than a hundredth of what is computed.
_LARGE = 12 << 20
_KEPT_AT_MOST = 1 << 30
_spare: list[np.ndarray[Any, Any]] = []


class _Lease:
    """Lends a block to arrays; the block comes back when the last of them is gone."""

    def __init__(self, block: np.ndarray[Any, Any]) -> None:
        self.block = block
        self.__array_interface__ = block.__array_interface__

    def __del__(self) -> None:
        # One block is kept: that of the last gradient, whose successor has the same size in most programs.
        if self.block.nbytes <= _KEPT_AT_MOST:
            _spare[:] = [self.block]


def empty(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """An array whose contents are arbitrary."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < _LARGE:
        return np.empty(shape, kind)
    try:
        block = _spare.pop()
    except IndexError:
        block = np.empty(size, np.uint8)
    if not size <= block.nbytes <= 2 * size:
        block = np.empty(size, np.uint8)
    lent = np.asarray(_Lease(block))
    return lent[:size].view(kind).reshape(shape)


def room(like: np.ndarray[Any, Any]) -> Callable[[], np.ndarray[Any, Any]] | None:
    """What makes room for a large array like this one; None where any room will do."""
    return None if like.nbytes < _LARGE else partial(empty, like.shape, str(like.dtype))


def release() -> None:
    """Gives the pages kept for the next large gradient back to the system."""
    _spare.clear()
