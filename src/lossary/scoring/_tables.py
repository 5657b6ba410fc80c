"""CSV, Parquet and NPZ files as streams of blocks of named columns."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from .._extras import require
from ..errors import LossError
from . import _errors

Array = np.ndarray[Any, Any]
Integers = np.ndarray[Any, np.dtype[np.int64]]

KINDS = (".parquet", ".pq", ".csv", ".tsv", ".npz")
# One block of CSV text; the reader holds a few of them.
CSV_BYTES = 1 << 21
DELIMITERS = (",", ";", "\t")
# So many characters behind the header tell whether numbers have a decimal comma.
SAMPLE = 1 << 14


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


def open_table(path: str | Path) -> Table:
    """The table in a file, told by its ending.

    Raises:
        FileError: There is no such file, or its kind is not known.
        MissingExtraError: The file is none of NumPy's, and pyarrow is not installed.
    """
    path = Path(path)
    if not path.exists():
        raise _errors.no_file(path)
    ending = path.suffix.lower()
    if path.is_dir() or ending not in KINDS:
        raise _errors.unknown_kind(path, KINDS)
    if ending == ".npz":
        return NpzTable(path)
    require("pyarrow", "cli", "reading CSV and Parquet files")
    return CsvTable(path) if ending in (".csv", ".tsv") else ParquetTable(path)


def known(table: Table, names: Sequence[str]) -> None:
    """Raises a `ColumnError` for the first name the table does not have."""
    for name in names:
        if name not in table.names:
            raise _errors.unknown_column(table.path, name, table.names)
        if table.names.count(name) > 1:
            raise _errors.ambiguous(table.path, name)


# --- Arrow ----------------------------------------------------------------------------------------------------------


class ParquetTable:
    """A Parquet file, read page by page."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise _errors.unreadable(path, str(error)) from None
        self.names = list(self._file.schema_arrow.names)

    def blocks(self, numbers: Sequence[str], by: str | None, rows: int) -> Iterator[Block]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        known(self, [*numbers, *([by] if by else [])])
        if by and pa.types.is_nested(self._file.schema_arrow.field(by).type):
            raise _errors.no_label(self.path, by, str(self._file.schema_arrow.field(by).type))
        file = pq.ParquetFile(self.path, buffer_size=1 << 20, pre_buffer=False, read_dictionary=[by] if by else None)
        total, read = max(1, file.metadata.num_rows), 0
        for batch in file.iter_batches(rows, columns=list(dict.fromkeys([*numbers, *([by] if by else [])]))):
            read += batch.num_rows
            yield _arrow_block(self.path, batch, numbers, by, read / total)

    def raw(self, name: str, rows: int) -> tuple[Any, bool]:
        known(self, [name])
        batches, held = [], 0
        for batch in self._file.iter_batches(min(rows, 1 << 16), columns=[name]):
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
        except UnicodeDecodeError as error:
            raise _errors.not_utf8(path, error.object) from None
        self._delimiter = max(DELIMITERS, key=header.count)
        self._decimal = "," if self._delimiter != "," and _has_decimal_commas(start) else "."
        self.names = [name.strip() for name in next(csv.reader([header], delimiter=self._delimiter), [])]
        if not self.names:
            raise _errors.empty(path)

    def _batches(self, types: dict[str, Any], columns: list[str]) -> Iterator[tuple[Any, float]]:
        """Batches of a few megabytes, each with the part of the file read so far."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        size = max(1, self.path.stat().st_size)
        with pa.OSFile(str(self.path)) as file:
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
            return _errors.not_utf8(self.path)
        if found is None:
            return _errors.unreadable(self.path, reason)
        return _errors.not_numbers(self.path, self.names[int(found[1])], f"the text {found[2]!r}")

    def blocks(self, numbers: Sequence[str], by: str | None, rows: int) -> Iterator[Block]:
        import pyarrow as pa

        known(self, [*numbers, *([by] if by else [])])
        types = dict.fromkeys(numbers, pa.float64())
        if by:
            types.setdefault(by, pa.string())
        for batch, done in self._batches(types, list(types)):
            for start in range(0, batch.num_rows, rows):
                yield _arrow_block(self.path, batch.slice(start, rows), numbers, by, done)

    def raw(self, name: str, rows: int) -> tuple[Any, bool]:
        known(self, [name])
        batches, held = [], 0
        for batch, _ in self._batches({}, [name]):
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
    lengths = np.from_dlpack(column.value_lengths().fill_null(0)) if len(column) else np.zeros(1, int)
    if lengths.min() != lengths.max() or column.null_count:
        raise _errors.ragged(path, name, [int(lengths.min()), int(lengths.max())])
    return _values(flat).reshape(len(column), -1)


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


# --- NumPy ----------------------------------------------------------------------------------------------------------


class NpzTable:
    """The arrays of an NPZ file, equally long along their first axis, read as a stream out of the archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self.names = [name.removesuffix(".npy") for name in archive.namelist()]
        except zipfile.BadZipFile as error:
            raise _errors.unreadable(path, str(error)) from None

    def blocks(self, numbers: Sequence[str], by: str | None, rows: int) -> Iterator[Block]:
        wanted = list(dict.fromkeys([*numbers, *([by] if by else [])]))
        known(self, wanted)
        with zipfile.ZipFile(self.path) as archive:
            members = {name: _Member(self.path, name, archive.open(f"{name}.npy")) for name in wanted}
            lengths = {name: member.rows for name, member in members.items()}
            if len(set(lengths.values())) > 1:
                raise _errors.not_one_length(self.path, lengths)
            total = next(iter(lengths.values()))
            for start in range(0, total, rows):
                arrays = {name: member.take(min(rows, total - start)) for name, member in members.items()}
                for name in numbers:
                    if arrays[name].dtype.kind not in "biuf":
                        raise _errors.not_numbers(self.path, name, f"dtype {arrays[name].dtype}")
                if by and arrays[by].ndim > 1:
                    raise _errors.no_label(self.path, by, f"rows of shape {arrays[by].shape[1:]}")
                grouping = None if by is None else _numpy_grouping(arrays[by])
                yield Block(
                    {name: _plain(arrays[name]) for name in numbers}, grouping, min(1.0, (start + rows) / total)
                )

    def raw(self, name: str, rows: int) -> tuple[Any, bool]:
        known(self, [name])
        with zipfile.ZipFile(self.path) as archive:
            member = _Member(self.path, name, archive.open(f"{name}.npy"))
            if not member.rows:
                raise _errors.empty(self.path)
            return member.take(min(rows, member.rows)), member.rows <= rows


def _plain(array: Array) -> Array:
    if array.dtype.kind == "b" or array.dtype.itemsize < 4:
        array = array.astype(np.float64)
    return array.reshape(len(array), -1) if array.ndim > 2 else array


def _numpy_grouping(array: Array) -> Grouping:
    labels, codes = np.unique(array, return_inverse=True)
    return Grouping(codes.reshape(-1).astype(np.int64), labels.tolist())


class _Member:
    """One array inside the archive, read from its start to its end."""

    def __init__(self, path: Path, name: str, stream: IO[bytes]) -> None:
        self._path, self._name, self._stream = path, name, stream
        major, _ = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, fortran, self._dtype = header(stream)
        if self._dtype.hasobject:
            raise _errors.not_numbers(path, name, "Python objects")
        if not shape:
            raise _errors.not_numbers(path, name, "a single number without rows")
        self.rows, self._row_shape = int(shape[0]), shape[1:]
        # The columns of a Fortran-ordered matrix lie one after the other, so it cannot be read row by row.
        self._whole: Array | None = None
        if fortran and len(shape) > 1:
            flat = np.frombuffer(stream.read(), self._dtype)
            self._whole = flat.reshape(shape, order="F")
        self._at = 0

    def take(self, rows: int) -> Array:
        """The next rows."""
        start, self._at = self._at, self._at + rows
        if self._whole is not None:
            return np.ascontiguousarray(self._whole[start : self._at])
        size = self._dtype.itemsize * rows * int(np.prod(self._row_shape, dtype=np.int64))
        data = self._stream.read(size)
        if len(data) != size:
            raise _errors.unreadable(self._path, f"array {self._name} ends early")
        return np.frombuffer(data, self._dtype).reshape(rows, *self._row_shape)
