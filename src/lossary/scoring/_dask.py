"""One score from many machines: every task returns exact sums, which are the same in whatever order they are added."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .._extras import require
from . import _errors
from ._arrow import FeatherSource, ParquetSource, Part, is_packed
from ._places import Place, steady
from ._run import Partial, Plan, Run
from ._tables import Table, source_of

# Row groups of a Parquet file, or batches of an Arrow file, go together until they take so many bytes.
TASK_BYTES = 1 << 26
_SOURCES: dict[str, Any] = {"parquet": ParquetSource, "arrow": FeatherSource}
# Seconds for which a scheduler may keep us waiting.
TIMEOUT = 10.0


def connected(address: str) -> Any:
    """A client of the scheduler at this address."""
    distributed = require("distributed", "dask", "scoring on a Dask cluster")
    try:
        return distributed.Client(address, timeout=TIMEOUT)
    except (OSError, ValueError, TypeError) as error:
        raise _errors.no_scheduler(address, error) from None


def spread(client: Any, table: Table, plan: Plan, rows: int, progress: Callable[[float], None]) -> Partial:
    """The sums of all rows, found by the workers of a cluster.

    A worker that dies takes nothing with it: its tasks are done anew by the others, and each counts once.
    """
    require("distributed", "dask", "scoring on a Dask cluster")
    import cloudpickle
    from distributed import CancelledError, as_completed
    from distributed.scheduler import KilledWorker

    if table.frame is not None or any(place.is_stream for place in table.places):
        raise _errors.not_spread(table.name)
    packed = cloudpickle.dumps((plan, table.encoding, rows))
    tasks = [task for place in table.places for task in _tasks(place)]
    futures = [client.submit(_scored, packed, *task, pure=False) for task in tasks]
    found = Partial()
    try:
        for i, (_, partial) in enumerate(as_completed(futures, with_results=True)):
            found.add(partial, plan.columns.by)
            progress((i + 1) / len(tasks))
    except (KilledWorker, CancelledError) as error:
        raise _errors.workers_died(table.name, error) from None
    finally:
        client.cancel(futures)
    return found


def _tasks(place: Place) -> Iterator[tuple[Place, Part | None]]:
    """The whole of a short file, or of text, which has to be read from its beginning; pieces of a long one."""
    if place.filesystem is None:
        place = replace(place, path=os.path.abspath(place.path))
    source = _SOURCES.get(place.kind)
    long = place.size > TASK_BYTES and not is_packed(place)
    pieces = source(place).pieces() if long and source is not None else []
    if not pieces:
        yield place, None
        return
    first = size = begun = row = 0
    for end, (piece, rows) in enumerate(pieces, 1):
        size, row = size + piece, row + rows
        if size >= TASK_BYTES or end == len(pieces):
            yield place, Part(first, end, begun)
            first, size, begun = end, 0, row


def _scored(packed: bytes, place: Place, part: Part | None) -> Partial:
    """The work of one task, on a worker."""
    import pickle

    plan, encoding, rows = pickle.loads(packed)
    if not os.path.exists(place.path) and place.filesystem is None:
        raise _errors.not_on_worker(place)
    run = Run(plan)
    with steady(place):
        source = source_of(place, encoding, part)
        if source.names:
            for block in source.blocks(plan.columns.wanted(), rows):
                run.add(block)
    return run.partial()
