"""Kernels as C functions that XLA calls, on XLA's own threads and without Python.

XLA hands a function one structure, the call frame: where inputs and outputs lie, their shapes, and the table of what
XLA offers in return, of which only the pool of threads is used.  The layout is that of ``xla/ffi/api/c_api.h``, which
only ever grows at its ends; offsets are in bytes on a machine with 64 bits.

Work is cut into tasks, and whoever is free takes the next one.  The caller works too and waits only for tasks that
somebody has begun, so it needs no second thread to finish; a helper that comes late finds nothing left.
"""

from __future__ import annotations

from typing import Any

from ..compiler.memory import allocate, call, fetch_add, load, release, store, yield_processor
from ..compiler.walk import routine

__all__ = [
    "FRAME", "INPUTS", "OUTPUTS", "OWN", "claim", "data", "described", "finish", "leave", "length", "share",
    "start", "wait",
]  # fmt: skip

# The call frame.
_EXTENSION, _API, _CONTEXT, INPUTS, OUTPUTS = 8, 16, 24, 72, 112
# A buffer: data and dimensions.
_DATA, _DIMENSIONS = 24, 40
# An extension of the frame: its kind, and if it asks for metadata where they go; in the metadata the version.
_KIND, _METADATA, _MAJOR, _MINOR = 8, 24, 24, 28
# The table of what XLA offers.
_DESTROY_ERROR, _SCHEDULE, _THREADS = 64, 136, 144
# What all threads of a call share; behind it what a call makes for a kernel by itself.
_NEXT, _DONE, _OWNERS, FRAME, _TASKS, _STEP, _UNITS, _ARGUMENTS, OWN = 0, 8, 16, 24, 32, 40, 48, 56, 104


@routine
def described(frame: Any, major: Any, minor: Any) -> Any:
    """Whether XLA only asked for the version of the interface, which then has been answered."""
    extension = load(frame + _EXTENSION)
    if extension == 0 or load(extension + _KIND) & 0xFFFFFFFF != 1:
        return False
    metadata = load(extension + _METADATA)
    store(metadata + _MAJOR, major)
    store(metadata + _MINOR, minor)
    return True


def data(frame: Any, side: Any, index: Any) -> Any:
    """Where an input or output begins."""
    return load(load(load(frame + side) + 8 * index) + _DATA)


def length(frame: Any, side: Any, index: Any, axis: Any) -> Any:
    """How long an axis of an input or output is."""
    return load(load(load(load(frame + side) + 8 * index) + _DIMENSIONS) + 8 * axis)


def start(frame: Any, units: Any, step: Any, words: Any) -> Any:
    """The shared state of a call, with so many words behind it."""
    state = allocate(OWN + 8 * words)
    for offset in (_NEXT, _DONE):
        store(state + offset, 0)
    store(state + _OWNERS, 1)
    store(state + FRAME, frame)
    store(state + _TASKS, (units + step - 1) // step)
    store(state + _STEP, step)
    store(state + _UNITS, units)
    return state


@routine
def share(state: Any, task: Any) -> None:
    """Asks XLA's pool for helpers, as many as there is use for."""
    tasks = load(state + _TASKS)
    if tasks < 2:
        return
    frame = load(state + FRAME)
    api, context = load(frame + _API), load(frame + _CONTEXT)
    arguments = state + _ARGUMENTS
    store(arguments, 32)
    store(arguments + 8, 0)
    store(arguments + 16, context)
    store(arguments + 24, arguments + 32)
    if _failed(api, call(load(api + _THREADS), arguments)):
        return
    helpers: Any = min(load(arguments + 32), tasks) - 1
    for _ in range(helpers):
        store(arguments, 40)
        store(arguments + 8, 0)
        store(arguments + 16, context)
        store(arguments + 24, task)
        store(arguments + 32, state)
        fetch_add(state + _OWNERS, 1)
        if _failed(api, call(load(api + _SCHEDULE), arguments)):
            fetch_add(state + _OWNERS, -1)
            return


@routine
def _failed(api: Any, error: Any) -> Any:
    if error == 0:
        return False
    arguments = allocate(24)
    store(arguments, 24)
    store(arguments + 8, 0)
    store(arguments + 16, error)
    call(load(api + _DESTROY_ERROR), arguments)
    release(arguments)
    return True


@routine
def claim(state: Any) -> Any:
    """The units of the next task, from the first up to the last; none once no task is left."""
    task, step = fetch_add(state + _NEXT, 1), load(state + _STEP)
    if task >= load(state + _TASKS):
        return 0, 0
    return task * step, min(task * step + step, load(state + _UNITS))


def finish(state: Any) -> None:
    """Marks a task as done."""
    fetch_add(state + _DONE, 1)


@routine
def wait(state: Any) -> None:
    """Returns once every task is done."""
    tasks = load(state + _TASKS)
    while fetch_add(state + _DONE, 0) < tasks:
        yield_processor()


@routine
def leave(state: Any) -> None:
    """The last to leave gives the memory back."""
    if fetch_add(state + _OWNERS, -1) == 1:
        release(state)
