"""CSV and JSON Lines, read as they stream in."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from ..errors import LossError
from . import _errors
from ._arrow import ArrowSource
from ._blocks import Wanted, reading
from ._places import Place
from ._streams import Stream

# One block of text; the reader holds a few of them.
TEXT_BYTES = 1 << 21
DELIMITERS = (",", ";", "\t")
LINE_END = r"\r\n?|\n"


class TextSource(ArrowSource):
    """Text of one place, whose beginning has been looked at."""

    def __init__(self, place: Place, stream: Stream) -> None:
        super().__init__(place, place.keys)
        self._stream = stream

    def _not_utf8(self) -> LossError:
        return _errors.not_utf8(self.place, self._stream.file.head[:2], self._stream.file.beyond)

    def _start(self) -> str:
        """The beginning of the text, in whole lines where there are any."""
        head = self._stream.file.head.removeprefix(b"\xef\xbb\xbf")
        whole = head[: _end_of_lines(head)] or head
        try:
            return whole.decode("utf-8")
        except UnicodeDecodeError:
            self._stream.file.beyond = head
            raise self._not_utf8() from None


def _end_of_lines(text: bytes) -> int:
    """How much of the text is whole lines; a carriage return at its very end may be the first half of a line's end."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, -1)) + 1


class CsvSource(TextSource):
    """CSV with a header."""

    def __init__(self, place: Place, stream: Stream) -> None:
        super().__init__(place, stream)
        start = self._start()
        header, self._sample = [*re.split(LINE_END, start, maxsplit=1), ""][:2]
        self._delimiter = max(DELIMITERS, key=header.count)
        self._decimal = "," if self._delimiter != "," and _has_decimal_commas(self._sample) else "."
        own = [name.strip() for name in next(csv.reader([header], delimiter=self._delimiter), [])]
        self._own, self.names = own, self._with_keys(own) if own else []

    def _cells(self) -> dict[str, set[str]]:
        """What stands in the first rows of each column."""
        found: dict[str, set[str]] = {name: set() for name in self._own}
        for row in csv.reader(self._sample.splitlines(), delimiter=self._delimiter):
            for name, cell in zip(self._own, row, strict=False):
                found[name].add(cell.strip())
        return {name: cells - {""} for name, cells in found.items()}

    def batches(self, columns: list[str], wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """Batches of a few megabytes."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        types = self._types(columns, wanted)
        read = arrow_csv.ReadOptions(block_size=TEXT_BYTES, column_names=self._own, skip_rows=1)
        convert = arrow_csv.ConvertOptions(
            include_columns=columns or self._own[:1], column_types=types, decimal_point=self._decimal
        )
        parse = arrow_csv.ParseOptions(delimiter=self._delimiter)
        try:
            source = pa.PythonFile(self._stream.file, mode="r")
            with arrow_csv.open_csv(source, read, parse, convert) as reader:
                for batch in reader:
                    yield batch, self._stream.done
        except pa.ArrowInvalid as error:
            raise self._fault(str(error), wanted) from None
        finally:
            self._stream.close()

    def _types(self, columns: list[str], wanted: Wanted) -> dict[str, Any]:
        import pyarrow as pa

        types: dict[str, Any] = {}
        cells = self._cells()
        for name in columns:
            coding = wanted.coding.get(name)
            if (
                name not in wanted.numbers
                or (coding is not None and coding.codes_numbers)
                or (coding is not None and self._is_text(cells[name]))
            ):
                types[name] = pa.string()
            elif not wanted.as_is:
                types[name] = _kind(cells[name])
        return types

    def _is_text(self, cells: set[str]) -> bool:
        return bool(cells) and not any(map(self._is_number, cells)) and not _errors.odd_number(cells)

    def _is_number(self, cell: str) -> bool:
        try:
            float(cell.replace(self._decimal, "."))
        except ValueError:
            return False
        return True

    def _fault(self, reason: str, wanted: Wanted) -> LossError:
        """What the reader said, with the column's name instead of its number."""
        found = re.search(
            r"In CSV column #(\d+): (?:Row #\d+: )?CSV conversion error to \w+: invalid value '(.*)'", reason
        )
        if "invalid UTF8" in reason:
            return self._not_utf8()
        if found is None:
            return _errors.unreadable(self.place, reason)
        name, cell = self._own[int(found[1])], found[2]
        if name in wanted.coding and not _errors.odd_number([cell]):
            texts = sorted({cell, *self._cells()[name]})
            return _errors.text_for_numbers(self.place, name, texts, is_target=True)
        return _errors.not_numbers(self.place, name, f"the text {cell!r}", cell)


def _kind(cells: set[str]) -> Any:
    import pyarrow as pa

    return pa.bool_() if cells and {cell.lower() for cell in cells} <= {"true", "false"} else pa.float64()


def _has_decimal_commas(text: str) -> bool:
    """Whether cells are numbers like 0,5, and none is one like 0.5."""
    commas, points = (rf'(?:^|[;\t])"?-?\d*[{mark}]\d+"?(?=[;\t\r\n]|\Z)' for mark in ",.")
    return bool(re.search(commas, text, re.MULTILINE)) and not re.search(points, text, re.MULTILINE)


class JsonSource(TextSource):
    """JSON Lines: an object a line."""

    def __init__(self, place: Place, stream: Stream) -> None:
        super().__init__(place, stream)
        start = self._start()
        if start.lstrip().startswith("["):
            raise _errors.json_array(place)
        self._kinds: dict[str, Any] = {}
        # An object may leave a key out.
        names: dict[str, None] = {}
        for number, line in enumerate(re.split(LINE_END, start), 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError as error:
                if not names and re.search(LINE_END, start):
                    raise _errors.broken_line(place, number, str(error)) from None
                break  # A line longer than what is looked at, or one whose fault is told when it is read.
            if isinstance(found, dict):
                names.update(dict.fromkeys(found))
        self.names = self._with_keys(list(names)) if names or start.strip() else []

    def batches(self, columns: list[str], wanted: Wanted, rows: int) -> Iterator[tuple[Any, float]]:
        """A block of lines at a time."""
        import pyarrow as pa

        line = 1
        try:
            for text in self._lines():
                table = self._read(text, columns, line)
                for batch in table.combine_chunks().to_batches():
                    yield batch, self._stream.done
                line += len(re.findall(LINE_END.encode(), text))
        except pa.ArrowInvalid as error:
            raise _errors.unreadable(self.place, str(error)) from None
        finally:
            self._stream.close()

    def _lines(self) -> Iterator[bytes]:
        """The text in blocks of whole lines."""
        kept: list[bytes] = []
        while part := self._stream.file.read(TEXT_BYTES):
            end = _end_of_lines(part)
            if end:
                yield b"".join([*kept, part[:end]]).removeprefix(b"\xef\xbb\xbf")
                kept = []
            kept.append(part[end:])
        if rest := b"".join(kept).removeprefix(b"\xef\xbb\xbf"):
            yield rest

    def _read(self, text: bytes, columns: list[str], line: int) -> Any:
        """The columns of a block; a key that no line of it has is missing throughout."""
        import pyarrow as pa

        if not text.strip():
            return pa.table({})
        table = self._parsed(text, columns) if self._kinds.keys() >= set(columns) else None
        table = table or self._parsed(text, None) or _by_hand(self.place, text, columns, line)
        # Texts that look like dates are texts, whichever block they stand in.
        dates = {field.name for field in table.schema if pa.types.is_timestamp(field.type)}.intersection(columns)
        if dates:
            self._kinds |= dict.fromkeys(dates, pa.string())
            table = self._parsed(text, None) or _by_hand(self.place, text, columns, line)
        for name in columns:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(table.num_rows))
        table = table.select(columns) if columns else table
        self._kinds |= {field.name: field.type for field in table.schema if not pa.types.is_null(field.type)}
        return table

    def _parsed(self, text: bytes, columns: list[str] | None) -> Any:
        """The block as Arrow reads it: these columns as they were before, or all and whatever they hold."""
        import pyarrow as pa
        from pyarrow import json as arrow_json

        texts = [name for name, kind in self._kinds.items() if kind == pa.string()]
        schema = pa.schema([(name, self._kinds[name]) for name in (texts if columns is None else columns)])
        rest = "infer" if columns is None else "ignore"
        try:
            return arrow_json.read_json(
                pa.py_buffer(text),
                arrow_json.ReadOptions(block_size=len(text) + 1, use_threads=False),
                arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=rest),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None


def _by_hand(place: Place, text: bytes, columns: list[str], line: int) -> Any:
    """The columns of a block that Arrow refuses, be it for one that nobody asked for; raises where lines are broken."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    kinds: dict[str, tuple[str, int]] = {}
    for number, row in enumerate(re.split(LINE_END.encode(), text), line):
        if not row.strip():
            continue
        try:
            found = json.loads(row.decode("utf-8"))
        except UnicodeDecodeError:
            raise _errors.not_utf8(place, b"", row) from None
        except ValueError as error:
            raise _errors.broken_line(place, number, str(error)) from None
        if not isinstance(found, dict):
            raise _errors.broken_line(place, number, "it is no object {...}")
        for name in columns:
            if found.get(name) is not None:
                kind = _json_kind(found[name])
                first, at = kinds.setdefault(name, (kind, number))
                if first != kind:
                    raise _errors.other_kind(place, name, (at, first), (number, kind))
        rows.append({name: found.get(name) for name in columns})
    with reading(place):
        return pa.Table.from_pylist(rows) if columns else pa.table({"": pa.nulls(len(rows))})


def _json_kind(value: Any) -> str:
    kinds = {bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")
