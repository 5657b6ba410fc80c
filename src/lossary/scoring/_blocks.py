"""What every kind of file becomes: blocks of named columns, read from a file that does not change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from ..errors import LossError
from . import _errors

Array = np.ndarray[Any, Any]
Integers = np.ndarray[Any, np.dtype[np.int64]]
T = TypeVar("T")


@dataclass(frozen=True)
class Grouping:
    """A column to group by: ``labels[codes]``."""

    codes: Integers
    labels: list[Any]


@dataclass(frozen=True)
class Block:
    """Some consecutive rows; ``done`` is the part of the file read so far, 0 to 1."""

    columns: dict[str, Array]
    grouping: Grouping | None
    done: float


class Table(Protocol):
    """A file of rows."""

    path: Path
    names: list[str]

    def blocks(self, numbers: Sequence[str], by: str | None, rows: int) -> Iterator[Block]:
        """The wanted columns in order of the file, about ``rows`` rows at a time."""

    def raw(self, name: str, rows: int) -> tuple[Any, bool]:
        """The first rows of one column as an array of whatever it holds, and whether that is all of it."""


@contextmanager
def steady(path: str | Path) -> Iterator[None]:
    """Raises a `FileError` at the end if the file is not what it was at the beginning."""
    before = _stamp(Path(path))
    yield
    if _stamp(Path(path)) != before:
        raise _errors.changed(Path(path))


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ino


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes a reader raise becomes one error that names the file."""
    try:
        yield
    except (LossError, MemoryError):
        raise
    except Exception as error:
        raise _errors.unreadable(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def known(table: Table, names: Sequence[str]) -> None:
    """Raises a `ColumnError` for the first name the table does not have."""
    for name in names:
        if name not in table.names:
            raise _errors.unknown_column(table.path, name, table.names)
        if table.names.count(name) > 1:
            raise _errors.ambiguous(table.path, name)


def each(path: Path, batches: Iterator[T]) -> Iterator[T]:
    """The same batches, read as `reading` does."""
    while True:
        with reading(path):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
