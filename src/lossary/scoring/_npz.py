"""The arrays of an NPZ file, read as a stream out of the archive."""

from __future__ import annotations

import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any

import numpy as np

from .._extras import require
from . import _errors
from ._blocks import Array, Block, Grouping, Integers, Wanted, known, reading
from ._coding import Coding
from ._places import Place
from ._streams import Stream

# Numbers in one row, and bytes of one block: what a file says of its shapes does not decide how much memory is taken.
WIDEST = 1 << 20
BLOCK_BYTES = 1 << 26
RAW_BYTES = 1 << 28


class NpzSource:
    """The arrays of an NPZ file, equally long along their first axis."""

    def __init__(self, place: Place, stream: Stream | None = None) -> None:
        self.place = place
        with reading(place):
            # The list of the arrays stands at the end.
            self._file: Any = place.path
            if place.is_stream:
                self._file = (stream or Stream(place)).spooled()
            elif place.filesystem is not None:
                self._file = place.open()
            with zipfile.ZipFile(self._file) as archive:
                self.names = [name.removesuffix(".npy") for name in archive.namelist()]

    def blocks(self, wanted: Wanted, rows: int) -> Iterator[Block]:
        """About ``rows`` rows at a time, fewer where they are wide."""
        known(self.place, self.names, wanted.columns)
        numbers, by = wanted.numbers, wanted.by
        with ExitStack() as opened:
            members = self._members(wanted.columns, opened)
            lengths = {name: member.rows for name, member in members.items()}
            if len(set(lengths.values())) > 1:
                raise _errors.not_one_length(self.place, lengths)
            for name in numbers:
                accepted = "biufU" if name in wanted.coding else "biuf"
                if members[name].dtype.kind not in accepted:
                    raise _errors.not_numbers(self.place, name, f"dtype {members[name].dtype}")
            if by and members[by].row_shape:
                raise _errors.no_label(self.place, by, f"rows of shape {members[by].row_shape}")
            total = next(iter(lengths.values()))
            rows = min(rows, *(member.rows_in(BLOCK_BYTES) for member in members.values()))
            for start in range(0, total, rows):
                arrays = {name: member.take(min(rows, total - start)) for name, member in members.items()}
                columns = {name: self._numbers(name, arrays[name], wanted.coding.get(name), start) for name in numbers}
                grouping = None if by is None else _grouping(arrays[by])
                count = len(next(iter(arrays.values())))
                yield Block(columns, count, grouping, min(1.0, (start + rows) / total), self.place, start)
            for member in members.values():
                member.finish()

    def _numbers(self, name: str, array: Array, coding: Coding | None, row: int) -> Array:
        names_classes = array.dtype.kind == "U" or (coding is not None and coding.codes_numbers)
        if coding is None or not names_classes or array.ndim > 1:
            return _plain(array)
        require("pyarrow", "cli", "naming classes")
        import pyarrow as pa

        from ._columns import numbers

        return numbers(self.place, name, pa.array(array.tolist()), coding, row)

    def raw(self, wanted: Wanted, rows: int) -> tuple[dict[str, Any], bool]:
        """The first rows of the arrays, and whether that is all of them."""
        found: dict[str, Any] = {}
        whole = True
        for name in wanted.columns:
            known(self.place, self.names, [name])
            with ExitStack() as opened:
                member = self._members([name], opened)[name]
                if not member.rows:
                    return {}, True
                count = min(rows, member.rows, member.rows_in(RAW_BYTES))
                found[name] = member.take(count)
                coding = wanted.coding.get(name)
                if coding is not None and (coding.classes or coding.positive is not None):
                    found[name] = self._numbers(name, found[name], coding, 0)
                if count == member.rows:
                    member.finish()
                whole &= count == member.rows
        # Of wide arrays fewer rows are read; rows of different number are an error of the file.
        lengths = [len(array) for array in found.values()]
        return {name: array[: None if whole else min(lengths)] for name, array in found.items()}, whole

    def _members(self, names: Sequence[str], opened: ExitStack) -> dict[str, _Member]:
        with reading(self.place):
            archive = opened.enter_context(zipfile.ZipFile(self._file))
            return {name: _Member(self.place, name, archive.open(f"{name}.npy"), opened) for name in names}


def _plain(array: Array) -> Array:
    if array.dtype.kind == "b" or array.dtype.itemsize < 4:
        array = array.astype(np.float64)
    return array.reshape(len(array), -1) if array.ndim > 2 else array


def _grouping(array: Array) -> Grouping:
    labels, codes = np.unique(array, return_inverse=True)
    places: Integers = codes.reshape(-1).astype(np.int64)
    return Grouping(places, labels.tolist())


class _Member:
    """One array inside the archive, read from its start to its end."""

    def __init__(self, place: Place, name: str, stream: IO[bytes], opened: ExitStack) -> None:
        self._place, self._name, self._stream = place, name, stream
        major, _ = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, fortran, self.dtype = header(stream)
        if self.dtype.hasobject:
            raise _errors.not_numbers(place, name, "Python objects")
        if not shape:
            raise _errors.not_numbers(place, name, "a single number without rows")
        self.rows, self.row_shape = int(shape[0]), shape[1:]
        self._width = math.prod(self.row_shape)
        if not self._width or not self.dtype.itemsize:
            raise _errors.no_entries(place, name)
        if self._width > WIDEST:
            raise _errors.too_wide(place, name, self._width, WIDEST)
        self._unpacked: IO[bytes] | None = None
        if fortran and len(shape) > 1 and self.rows:
            # Its columns lie one after the other, so it is unpacked before rows are taken: on disk, not in memory.
            self._unpacked = opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            shutil.copyfileobj(stream, self._unpacked, 1 << 20)
            if self._unpacked.tell() != self.rows * self._width * self.dtype.itemsize:
                raise _errors.unreadable(place, f"array {name} does not end where it should")
        self._at = 0

    def rows_in(self, size: int) -> int:
        """How many rows so many bytes hold, at least one."""
        return max(1, size // (self._width * self.dtype.itemsize))

    def take(self, rows: int) -> Array:
        """The next rows."""
        start, self._at = self._at, self._at + rows
        if self._unpacked is not None:
            whole = np.memmap(self._unpacked, self.dtype, "r", shape=(self.rows, *self.row_shape), order="F")
            return np.array(whole[start : self._at], order="C")
        size = self.dtype.itemsize * rows * self._width
        with reading(self._place):
            data = self._stream.read(size)
        if len(data) != size:
            raise _errors.unreadable(self._place, f"array {self._name} ends early")
        return np.frombuffer(data, self.dtype).reshape(rows, *self.row_shape)

    def finish(self) -> None:
        """Makes sure that nothing is left: only at the end of the stream is its checksum looked at."""
        if self._unpacked is None:
            with reading(self._place):
                left = self._stream.read(1)
            if left:
                raise _errors.unreadable(self._place, f"array {self._name} does not end where it should")
