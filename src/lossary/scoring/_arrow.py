"""CSV and Parquet files, read by pyarrow."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LossError
from . import _errors
from ._blocks import Array, Block, Grouping, each, known, reading

# One block of CSV text; the reader holds a few of them.
CSV_BYTES = 1 << 21
DELIMITERS = (",", ";", "\t")
# So many characters behind the header tell whether numbers have a decimal comma, or are True and False.
SAMPLE = 1 << 14


class ParquetTable:
    """A Parquet file, read page by page."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.path = path
        with reading(path):
            self._file = pq.ParquetFile(_opened(path))
        self.names = list(self._file.schema_arrow.names)

    def blocks(self, numbers: Sequence[str], by: str | None, rows: int) -> Iterator[Block]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        known(self, [*numbers, *([by] if by else [])])
        if by and pa.types.is_nested(self._file.schema_arrow.field(by).type):
            raise _errors.no_label(self.path, by, str(self._file.schema_arrow.field(by).type))
        with reading(self.path):
            file = pq.ParquetFile(
                _opened(self.path), buffer_size=1 << 20, pre_buffer=False, read_dictionary=[by] if by else None
            )
        total, read = max(1, file.metadata.num_rows), 0
        wanted = list(dict.fromkeys([*numbers, *([by] if by else [])]))
        for batch in each(self.path, file.iter_batches(rows, columns=wanted)):
            read += batch.num_rows
            yield _arrow_block(self.path, batch, numbers, by, read / total)

    def raw(self, name: str, rows: int) -> tuple[Any, bool]:
        known(self, [name])
        batches, held = [], 0
        for batch in each(self.path, self._file.iter_batches(min(rows, 1 << 16), columns=[name])):
            batches.append(batch.column(0))
            held += len(batch)
            if held >= rows:
                break
        return _joined(self.path, name, batches, rows), self._file.metadata.num_rows <= rows


class CsvTable:
    """A CSV file with a header, read a few megabytes at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                header, start = file.readline(), file.read(SAMPLE)
        except UnicodeDecodeError:
            raise self._not_utf8() from None
        self._delimiter = max(DELIMITERS, key=header.count)
        self._decimal = "," if self._delimiter != "," and _has_decimal_commas(start) else "."
        self.names = [name.strip() for name in next(csv.reader([header], delimiter=self._delimiter), [])]
        if not self.names:
            raise _errors.empty(path)
        self._start = start

    def _batches(self, types: dict[str, Any], columns: list[str]) -> Iterator[tuple[Any, float]]:
        """Batches of a few megabytes, each with the part of the file read so far."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        size = max(1, self.path.stat().st_size)
        with _opened(self.path) as file:
            try:
                with arrow_csv.open_csv(
                    file,
                    read_options=arrow_csv.ReadOptions(block_size=CSV_BYTES, column_names=self.names, skip_rows=1),
                    parse_options=arrow_csv.ParseOptions(delimiter=self._delimiter),
                    convert_options=arrow_csv.ConvertOptions(
                        include_columns=columns, column_types=types, decimal_point=self._decimal
                    ),
                ) as reader:
                    for batch in reader:
                        yield batch, min(1.0, file.tell() / size)
            except pa.ArrowInvalid as error:
                raise self._fault(str(error)) from None

    def _fault(self, reason: str) -> LossError:
        """What the reader said, with the column's name instead of its number."""
        found = re.search(r"In CSV column #(\d+): CSV conversion error to \w+: invalid value '(.*)'", reason)
        if "invalid UTF8" in reason:
            return self._not_utf8()
        if found is None:
            return _errors.unreadable(self.path, reason)
        return _errors.not_numbers(self.path, self.names[int(found[1])], f"the text {found[2]!r}", found[2])

    def _not_utf8(self) -> LossError:
        with self.path.open("rb") as file:
            start = part = file.read(CSV_BYTES)
            while part and part.isascii():
                part = file.read(CSV_BYTES)
        return _errors.not_utf8(self.path, start[:2], part)

    def _truths(self) -> set[str]:
        """The columns whose first cells are True or False."""
        found: dict[str, set[str]] = {}
        for row in csv.reader(self._start.splitlines()[:-1] or [self._start], delimiter=self._delimiter):
            for name, cell in zip(self.names, row, strict=False):
                found.setdefault(name, set()).add(cell.strip().lower())
        return {name for name, cells in found.items() if cells - {""} and cells <= {"true", "false", ""}}

    def blocks(self, numbers: Sequence[str], by: str | None, rows: int) -> Iterator[Block]:
        import pyarrow as pa

        known(self, [*numbers, *([by] if by else [])])
        truths = self._truths().intersection(numbers)
        types = {name: pa.bool_() if name in truths else pa.float64() for name in numbers}
        if by:
            types.setdefault(by, pa.string())
        for batch, done in each(self.path, self._batches(types, list(types))):
            for start in range(0, batch.num_rows, rows):
                yield _arrow_block(self.path, batch.slice(start, rows), numbers, by, done)

    def raw(self, name: str, rows: int) -> tuple[Any, bool]:
        known(self, [name])
        batches, held = [], 0
        for batch, _ in each(self.path, self._batches({}, [name])):
            batches.append(batch.column(0))
            held += len(batch)
            if held > rows:
                break
        return _joined(self.path, name, batches, rows), held <= rows


def _has_decimal_commas(text: str) -> bool:
    """Whether cells are numbers like 0,5, and none is one like 0.5."""
    commas, points = (rf'(?:^|[;\t])"?-?\d*[{mark}]\d+"?(?=[;\t\r\n]|\Z)' for mark in ",.")
    return bool(re.search(commas, text, re.MULTILINE)) and not re.search(points, text, re.MULTILINE)


def _joined(path: Path, name: str, chunks: list[Any], rows: int) -> Any:
    import pyarrow as pa

    if not chunks:
        raise _errors.empty(path)
    array = pa.concat_arrays(chunks).slice(0, rows)
    if _is_number(array.type) or _is_list(array.type):
        return _numbers(path, name, array)
    if pa.types.is_string(array.type) and (odd := _errors.odd_number(array.unique().to_pylist())):
        raise _errors.not_numbers(path, name, f"the text {odd!r}", odd)
    return array.to_numpy(zero_copy_only=False)


def _arrow_block(path: Path, batch: Any, numbers: Sequence[str], by: str | None, done: float) -> Block:
    columns = {name: _numbers(path, name, batch.column(name)) for name in numbers}
    return Block(columns, None if by is None else _arrow_grouping(batch.column(by)), done)


def _arrow_grouping(column: Any) -> Grouping:
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode(null_encoding="encode")
    codes = column.indices.cast(pa.int64())
    labels = column.dictionary.to_pylist()
    if codes.null_count:
        return Grouping(_filled(codes, np.int64, len(labels)), [*labels, None])
    return Grouping(np.from_dlpack(codes).astype(np.int64, copy=False), labels)


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and _is_number(kind.value_type))


def _numbers(path: Path, name: str, column: Any) -> Array:
    """A column as numbers, missing values as NaN; a column of lists as a matrix."""
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if _is_number(column.type):
        return _values(column)
    if not _is_list(column.type):
        raise _errors.not_numbers(path, name, str(column.type))
    flat = column.flatten()
    lengths = np.from_dlpack(_lengths(column)) if len(column) else np.ones(1, int)
    if not lengths.max():
        raise _errors.no_entries(path, name)
    if lengths.min() != lengths.max() or column.null_count:
        raise _errors.ragged(path, name, [int(lengths.min()), int(lengths.max())])
    return _values(flat).reshape(len(column), -1)


def _lengths(column: Any) -> Any:
    import pyarrow.compute as pc

    return pc.list_value_length(column).cast("int64").fill_null(0)


def _opened(path: Path) -> Any:
    """The file as pyarrow reads it, whatever bytes its name is made of."""
    import pyarrow as pa

    return pa.OSFile(os.fsencode(path) if os.name == "posix" else str(path))


def _values(column: Any) -> Array:
    """The column's own integers where none is missing, floats otherwise; pyarrow's conversions would import pandas."""
    import pyarrow as pa

    if pa.types.is_integer(column.type) and not column.null_count:
        return np.from_dlpack(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if not column.null_count:
        return np.from_dlpack(column).astype(np.float64, copy=False)
    return _filled(column.cast(pa.float64(), safe=False), np.float64, np.nan)


def _filled(column: Any, dtype: Any, filler: Any) -> Array:
    """A column of numbers of eight bytes with something in the place of what is missing."""
    import pyarrow as pa

    absent = np.from_dlpack(column.is_null().cast(pa.uint8())).astype(bool)
    return np.where(absent, filler, np.frombuffer(column.buffers()[1], dtype, len(column), 8 * column.offset))
