"""What every kind of source becomes: blocks of named columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from ..errors import LossError
from . import _errors
from ._coding import Coding

Array = np.ndarray[Any, Any]
Integers = np.ndarray[Any, np.dtype[np.int64]]
T = TypeVar("T")


@dataclass(frozen=True)
class Wanted:
    """The columns to read: those that hold numbers or classes, and one to group by."""

    numbers: tuple[str, ...]
    by: str | None = None
    coding: Mapping[str, Coding] = field(default_factory=dict)
    # Whether text is wanted too, as it is.
    as_is: bool = False

    @property
    def columns(self) -> list[str]:
        """Each once."""
        return list(dict.fromkeys([*self.numbers, *([self.by] if self.by else [])]))


@dataclass(frozen=True)
class Grouping:
    """A column to group by: ``labels[codes]``."""

    codes: Integers
    labels: list[Any]


@dataclass(frozen=True)
class Block:
    """Some consecutive rows of one place, from ``row`` on; ``done`` is the part that has been read, 0 to 1."""

    columns: dict[str, Array]
    rows: int
    grouping: Grouping | None
    done: float
    place: Any
    row: int


class Source(Protocol):
    """The rows of one file, stream or frame."""

    names: list[str]

    def blocks(self, wanted: Wanted, rows: int) -> Iterator[Block]:
        """The wanted columns in order, about ``rows`` rows at a time."""

    def raw(self, wanted: Wanted, rows: int) -> tuple[dict[str, Any], bool]:
        """The first rows of the columns as arrays of whatever they hold, and whether that is all of them."""


@contextmanager
def reading(place: Any) -> Iterator[None]:
    """Whatever a damaged file makes a reader raise becomes one error that names the file."""
    try:
        yield
    except (LossError, MemoryError):
        raise
    except Exception as error:
        raise _errors.unreadable(place, str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def known(place: Any, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises a `ColumnError` for the first wanted column that is not among the names, or there twice."""
    for name in wanted:
        if name not in names:
            raise _errors.unknown_column(place, name, names)
        if names.count(name) > 1:
            raise _errors.ambiguous(place, name)


def each(place: Any, batches: Iterator[T]) -> Iterator[T]:
    """The same batches, read as `reading` does."""
    while True:
        with reading(place):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch
