"""Frames of other libraries, read as they stream out of them: nothing is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .._extras import require
from . import _errors
from ._arrow import ArrowSource
from ._blocks import Wanted

# Rows of one batch, which a plan that is carried out lazily is asked for.
ROWS = 1 << 16


class FrameSource(ArrowSource):
    """A LazyFrame, a relation, a data set, a reader of batches, or a frame in memory."""

    def __init__(self, frame: Any, label: str) -> None:
        super().__init__(label)
        self.names, self._batches = _opened(frame)

    def batches(self, columns: list[str], wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """Batches as they come, of a length that is theirs to choose."""
        for batch in self._batches(columns or self.names[:1]):
            yield batch, 0.0


def label_of(frame: Any) -> str:
    """What messages call a frame."""
    kind = type(frame)
    return f"the {kind.__module__.partition('.')[0].lstrip('_')} {kind.__name__}"


def _opened(frame: Any) -> tuple[list[str], Callable[[list[str]], Iterator[Any]]]:
    """The names of the columns, and a function that yields batches of some of them."""
    require("pyarrow", "cli", f"reading {label_of(frame)}")
    import pyarrow as pa
    import pyarrow.dataset as ds

    if isinstance(frame, ds.Dataset):
        return list(frame.schema.names), lambda columns: frame.scanner(columns, batch_size=ROWS).to_batches()
    if isinstance(frame, pa.RecordBatchReader):
        return list(frame.schema.names), lambda columns: (batch.select(columns) for batch in frame)
    if hasattr(frame, "collect_batches"):
        return list(frame.collect_schema().names()), lambda columns: _lazy(frame, columns)
    if hasattr(frame, "to_arrow_reader") or hasattr(frame, "fetch_arrow_reader"):
        return list(frame.columns), lambda columns: _relation(frame, columns)
    if hasattr(frame, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(frame)
        return list(reader.schema.names), lambda columns: (batch.select(columns) for batch in reader)
    raise _errors.no_source(label_of(frame))


def _lazy(frame: Any, columns: list[str]) -> Iterator[Any]:
    """Batches of a plan of polars."""
    for part in frame.select(columns).collect_batches(chunk_size=ROWS, maintain_order=True):
        yield from part.to_arrow().to_batches()


def _relation(frame: Any, columns: list[str]) -> Iterator[Any]:
    """Batches of a query of DuckDB."""
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    some = frame.project(quoted)
    yield from some.to_arrow_reader(ROWS) if hasattr(some, "to_arrow_reader") else some.fetch_arrow_reader(ROWS)
