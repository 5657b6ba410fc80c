"""Sources that Arrow reads: Parquet, Arrow's own files and streams, frames; the base of those that are text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from . import _errors
from ._blocks import Block, Wanted, each, known, reading
from ._columns import arrow_block, as_it_is, with_keys
from ._places import Place
from ._streams import Stream


class Part(NamedTuple):
    """Some of the pieces that a file was written in, row groups or batches, and the row with which they begin."""

    first: int
    end: int
    row: int


class ArrowSource:
    """Batches of Arrow from one place."""

    names: list[str]
    # The row of the file with which it begins.
    row = 0

    def __init__(self, place: Any, keys: Mapping[str, Any] | None = None) -> None:
        self.place, self.keys = place, dict(keys or {})

    def batches(self, columns: list[str], wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """Batches of these columns, each with the part that has been read so far."""
        raise NotImplementedError

    def _found(self, wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """The batches with the columns that the folders name; what they name goes before what the file holds."""
        known(self.place, self.names, wanted.columns)
        own = [name for name in wanted.columns if name not in self.keys]
        for batch, done in each(self.place, self.batches(own, wanted, rows)):
            yield with_keys(batch, self.keys, wanted.columns), done

    def blocks(self, wanted: Wanted, rows: int) -> Iterator[Block]:
        """About ``rows`` rows at a time."""
        row = self.row
        for batch, done in self._found(wanted, rows):
            for start in range(0, batch.num_rows, rows):
                part = batch.slice(start, rows)
                yield arrow_block(self.place, part, wanted, row, done)
                row += part.num_rows

    def raw(self, wanted: Wanted, rows: int) -> tuple[dict[str, Any], bool]:
        """The first rows, and whether that is all of them."""
        chunks: dict[str, list[Any]] = {name: [] for name in wanted.columns}
        held = 0
        for batch, _ in self._found(replace(wanted, as_is=True), min(rows + 1, 1 << 16)):
            for name, held_chunks in chunks.items():
                held_chunks.append(batch.column(name))
            held += batch.num_rows
            if held > rows:
                break
        if not held:
            return {}, True
        found = {name: as_it_is(self.place, name, some, rows, wanted.coding.get(name)) for name, some in chunks.items()}
        return found, held <= rows

    def _with_keys(self, names: Sequence[str]) -> list[str]:
        return [*(name for name in names if name not in self.keys), *self.keys]


class ParquetSource(ArrowSource):
    """A Parquet file, or some of its row groups, read page by page."""

    def __init__(self, place: Place, part: Part | None = None, stream: Stream | None = None) -> None:
        import pyarrow.parquet as pq

        super().__init__(place, place.keys)
        with reading(place):
            self._bytes = (stream or Stream(place)).spooled() if place.is_stream or is_packed(place) else None
            self._file = pq.ParquetFile(self._opened())
            self.names = self._with_keys(self._file.schema_arrow.names)
            self.metadata = self._file.metadata
        first, end, self.row = part or (0, self.metadata.num_row_groups, 0)
        self._groups = list(range(first, end))

    def pieces(self) -> list[tuple[int, int]]:
        """The bytes and the rows of every row group."""
        groups = map(self.metadata.row_group, range(self.metadata.num_row_groups))
        return [(group.total_byte_size, group.num_rows) for group in groups]

    def _opened(self) -> Any:
        return self.place.seekable() if self._bytes is None else self._bytes

    def batches(self, columns: list[str], wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """Pages as they come."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        by = wanted.by if wanted.by in columns else None
        if by and pa.types.is_nested(self._file.schema_arrow.field(by).type):
            raise _errors.no_label(self.place, by, str(self._file.schema_arrow.field(by).type))
        file = pq.ParquetFile(
            self._opened(), buffer_size=1 << 20, pre_buffer=False, read_dictionary=[by] if by else None
        )
        total, read = max(1, sum(self.metadata.row_group(i).num_rows for i in self._groups)), 0
        if not columns:
            yield pa.RecordBatch.from_struct_array(pa.array([{}] * total, pa.struct([]))), 1.0
            return
        for batch in file.iter_batches(rows, row_groups=self._groups, columns=columns):
            read += batch.num_rows
            yield batch, read / total


class FeatherSource(ArrowSource):
    """A file, or some of its batches, or a stream of Arrow's own format."""

    def __init__(self, place: Place, part: Part | None = None, stream: Stream | None = None) -> None:
        import pyarrow as pa

        super().__init__(place, place.keys)
        self._stream: Stream | None = None
        self._part, self.row = part, part.row if part else 0
        with reading(place):
            # Only a stream can be read from its beginning; a file is found by its end.
            start = stream or Stream(place)
            if not start.file.head.startswith(b"ARROW1"):
                self._stream = start
                self._reader = pa.ipc.open_stream(pa.PythonFile(start.file, mode="r"))
            elif place.is_stream or is_packed(place):
                self._file: Any = start.spooled()
            else:
                start.close()
                self._file = pa.memory_map(place.path) if place.filesystem is None else place.seekable()
            if self._stream is None:
                self._reader = pa.ipc.open_file(self._file)
            self.names = self._with_keys(self._reader.schema.names)

    def batches(self, columns: list[str], wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """The batches that were written."""
        if self._stream is not None:
            for batch in self._reader:
                yield batch.select(columns), self._stream.done
            return
        first, end, _ = self._part or (0, self._reader.num_record_batches, 0)
        reader = self._reader_of(columns)
        for i in range(first, end):
            yield reader.get_batch(i).select(columns), (i + 1 - first) / (end - first)

    def _reader_of(self, columns: Sequence[str]) -> Any:
        import pyarrow as pa

        fields = [self._reader.schema.get_field_index(name) for name in columns]
        return pa.ipc.open_file(self._file, options=pa.ipc.IpcReadOptions(included_fields=fields))

    def pieces(self) -> list[tuple[int, int]]:
        """The bytes and the rows of every batch, the bytes about; of a stream, which has to be read whole, none."""
        if self._stream is not None:
            return []
        reader = self._reader_of(self._reader.schema.names[:1])
        batches = range(reader.num_record_batches)
        return [(self.place.size // len(batches), reader.get_batch(i).num_rows) for i in batches]


def is_packed(place: Place) -> bool:
    """Whether what its name says has to be unpacked from the beginning."""
    return place.path.lower().endswith((".gz", ".zst", ".bz2", ".xz", ".lz4"))
