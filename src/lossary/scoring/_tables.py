"""The table in files, streams and frames: their rows one after the other, under the names of the first."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .._extras import require
from . import _errors
from ._arrow import FeatherSource, ParquetSource, Part
from ._blocks import Block, Grouping, Source, Wanted, reading
from ._frames import FrameSource, label_of
from ._npz import NpzSource
from ._places import KINDS, Place, places, steady
from ._streams import Stream
from ._text import CsvSource, JsonSource

__all__ = ["Block", "Grouping", "Table", "Wanted", "open_table", "source_of", "steady"]


@dataclass
class Table:
    """Rows that are read once, from the first to the last."""

    name: str
    places: list[Place]
    encoding: str | None = None
    frame: Any = None
    # The sources that have been opened to look at their names.
    _opened: list[Source] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names: list[str] = []
        for i in range(self.files):
            self._opened.append(self._source(i))
            self.names = self._opened[-1].names
            # Parts of a data set may be empty, down to the names of their columns.
            if self.names:
                break
        if not self.names:
            raise _errors.empty(self.name)

    @property
    def files(self) -> int:
        """How many files and streams, or one frame."""
        return len(self.places) if self.frame is None else 1

    @property
    def first(self) -> Any:
        """What messages about the names of the columns name."""
        return self.name if self.frame is not None else self.places[max(0, len(self._opened) - 1)]

    def _source(self, i: int) -> Source:
        if self.frame is not None:
            return FrameSource(self.frame, label_of(self.frame))
        return source_of(self.places[i], self.encoding)

    def _sources(self) -> Iterator[tuple[int, Source]]:
        opened = self._opened
        for i in range(self.files):
            yield i, (opened[i] if i < len(opened) else self._source(i))

    def halt(self) -> None:
        """Calls off whoever waits for a stream."""
        for place in self.places:
            if place.halted is not None:
                place.halted.set()

    def blocks(self, wanted: Wanted, rows: int) -> Iterator[Block]:
        """The wanted columns in order, about ``rows`` rows at a time; ``done`` is the part of the whole."""
        sizes = [place.size for place in self.places] or [0]
        total = sum(sizes)
        for i, source in self._sources():
            if not source.names:
                continue
            before = sum(sizes[:i])
            for block in self._steadily(i, source, wanted, rows):
                done = (before + block.done * sizes[i]) / total if total else block.done
                yield Block(block.columns, block.rows, block.grouping, done, block.place, block.row)

    def _steadily(self, i: int, source: Source, wanted: Wanted, rows: int) -> Iterator[Block]:
        if self.frame is not None:
            yield from source.blocks(wanted, rows)
            return
        with steady(self.places[i]):
            yield from source.blocks(wanted, rows)

    def raw(self, wanted: Wanted, rows: int) -> tuple[dict[str, Any], bool]:
        """The first rows of the columns as arrays of whatever they hold, and whether that is all of them."""
        parts: list[dict[str, Any]] = []
        held, whole = 0, True
        for _, source in self._sources():
            if held >= rows:
                whole = False
                break
            if not source.names:
                continue
            part, all_of_it = source.raw(wanted, rows - held)
            if part:
                parts.append(part)
                held += len(next(iter(part.values())))
            whole &= all_of_it
            if not all_of_it:
                break
        if not parts:
            raise _errors.empty(self.name)
        if len(parts) == 1:
            return parts[0], whole
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, whole

    def columns(self, named: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
        """The columns that are named, by patterns and between commas too, and what stood for the star of a pattern."""
        found: list[str] = []
        stars: list[str] = []
        for text in named:
            if text not in self.names and any(mark in text for mark in "*?["):
                matched = fnmatch.filter(self.names, text)
                if not matched:
                    raise _errors.unknown_column(self.first, text, self.names)
                if text.count("*") == 1 and not any(mark in text for mark in "?["):
                    before, after = (len(part) for part in text.split("*"))
                    matched.sort(key=lambda name: _place_of(name[before : len(name) - after]))
                    stars += [name[before : len(name) - after] for name in matched]
                found += matched
            elif text not in self.names and "," in text and all(part.strip() in self.names for part in text.split(",")):
                found += [part.strip() for part in text.split(",")]
            else:
                found.append(text)
        return found, tuple(stars) if len(stars) == len(found) else ()


def _place_of(star: str) -> int:
    """Columns that are numbered are taken in the order of their numbers, others as they stand in the file."""
    return int(star) if star.isdecimal() else -1


def source_of(place: Place, encoding: str | None = None, part: Part | None = None) -> Source:
    """What reads a place."""
    if place.kind == "npz":
        return NpzSource(place)
    require("pyarrow", "cli", "reading CSV, JSON Lines, Parquet and Arrow files")
    stream = None
    if not place.kind:
        stream = Stream(place, encoding)
        place = replace(place, kind=stream.kind)
    if place.kind == "npz":
        return NpzSource(place, stream)
    if place.kind == "parquet":
        return ParquetSource(place, part, stream)
    if place.kind == "arrow":
        return FeatherSource(place, part, stream)
    stream = stream or Stream(place, encoding)
    with reading(place):
        return JsonSource(place, stream) if place.kind == "jsonl" else CsvSource(place, stream)


def open_table(source: Any, *, encoding: str | None = None, format: str | None = None) -> Table:  # noqa: A002 - as files are called
    """The table in a file, in many, or in a frame.

    Args:
        source: A file, told by its ending; a glob; a folder whose folders may name columns (``year=2024``); an address
            that fsspec knows; ``"-"`` for the standard input; or a list of these.  Or a LazyFrame of polars, a relation
            of DuckDB, a data set or a reader of pyarrow, any frame in memory that speaks Arrow.
        encoding: Of text that is not UTF-8, for example ``"gbk"``.
        format: What the files are, where their ending does not tell: csv, jsonl, parquet, arrow or npz.

    Raises:
        FileError: There is no such file, or its kind is not known.
        MissingExtraError: The file is none of NumPy's, and pyarrow is not installed.
    """
    if format is not None and format not in KINDS:
        raise _errors.unknown_format(format, KINDS)
    if encoding is not None:
        encoding = _errors.checked_encoding(encoding)
    if isinstance(source, list | tuple) and all(isinstance(one, str | Path) for one in source):
        named = [str(one) for one in source]
    elif isinstance(source, str | Path):
        named = [str(source)]
    else:
        return Table(label_of(source), [], None, source)
    found = places(named, format)
    name = str(found[0]) if len(found) == 1 else named[0] if len(named) == 1 else f"{len(found)} files"
    return Table(name, found, encoding)
