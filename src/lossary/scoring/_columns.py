"""Columns of Arrow as NumPy's arrays of numbers; pyarrow's own conversions would import pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _errors
from ._blocks import Array, Block, Grouping, Wanted
from ._coding import Coding, as_text, coded


def arrow_block(place: Any, batch: Any, wanted: Wanted, row: int, done: float) -> Block:
    """A batch as a block; ``row`` is that of its first one in the file."""
    columns = {name: numbers(place, name, batch.column(name), wanted.coding.get(name), row) for name in wanted.numbers}
    grouping = None if wanted.by is None else _grouping(place, wanted.by, batch.column(wanted.by))
    return Block(columns, batch.num_rows, grouping, done, place, row)


def _grouping(place: Any, name: str, column: Any) -> Grouping:
    import pyarrow as pa

    if pa.types.is_nested(column.type):
        raise _errors.no_label(place, name, str(column.type))
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


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def numbers(place: Any, name: str, column: Any, coding: Coding | None = None, row: int = 0) -> Array:
    """A column as numbers, missing values as NaN; lists, and lists of lists, as the rows of a matrix."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if coding is not None and (_is_text(column.type) or (_is_number(column.type) and coding.codes_numbers)):
        column = coded(place, name, column, coding, row)
    elif _is_text(column.type):
        column = as_text(place, name, column)
    if _is_number(column.type):
        return _values(column)
    if not _is_list(column.type):
        raise _errors.not_numbers(place, name, str(column.type))
    return _matrix(place, name, column)


def _matrix(place: Any, name: str, column: Any) -> Array:
    import pyarrow as pa

    if column.null_count:
        whole = np.flatnonzero(np.from_dlpack(column.is_valid().cast(pa.uint8())))
        rows = _matrix(place, name, column.drop_null()) if len(whole) else np.empty((0, 1))
        found = np.full((len(column), rows.shape[1]), np.nan)
        found[whole] = rows
        return found
    lengths = np.from_dlpack(_lengths(column)) if len(column) else np.ones(1, int)
    if not lengths.max():
        raise _errors.no_entries(place, name)
    if lengths.min() != lengths.max():
        raise _errors.ragged(place, name, [int(lengths.min()), int(lengths.max())])
    inner = column.flatten()
    if _is_text(inner.type):
        raise _errors.not_numbers(place, name, str(column.type))
    return numbers(place, name, inner).reshape(len(column), -1)


def _lengths(column: Any) -> Any:
    import pyarrow.compute as pc

    return pc.list_value_length(column).cast("int64")


def _values(column: Any) -> Array:
    """The column's own integers where none is missing, floats otherwise."""
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


def as_it_is(place: Any, name: str, chunks: Sequence[Any], rows: int, coding: Coding | None) -> Any:
    """The first rows of a column as an array of whatever it holds: numbers, or text that names classes."""
    import pyarrow as pa

    chunks = [_decoded(chunk) for chunk in chunks]
    kinds = {chunk.type for chunk in chunks if not pa.types.is_null(chunk.type)} or {pa.float64()}
    if len(kinds) > 1:
        text = any(map(_is_text, kinds))
        kinds = {pa.string() if text else pa.float64()} if not any(map(_is_list, kinds)) else kinds
        if len(kinds) > 1:  # Lists of whole numbers, and of others.
            return np.concatenate([numbers(place, name, chunk) for chunk in chunks])[:rows]
    array = pa.concat_arrays([chunk.cast(*kinds) for chunk in chunks]).slice(0, rows)
    if not _is_text(array.type):
        is_plain = _is_number(array.type) or _is_list(array.type)
        return numbers(place, name, array, coding) if is_plain else array.to_numpy(zero_copy_only=False)
    if coding is not None:
        return numbers(place, name, array, coding)
    if odd := _errors.odd_number(array.unique().to_pylist()):
        raise _errors.not_numbers(place, name, f"the text {odd!r}", odd)
    return array.to_numpy(zero_copy_only=False)


def _decoded(chunk: Any) -> Any:
    import pyarrow as pa

    return chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk


def with_keys(batch: Any, keys: Mapping[str, Any], columns: Sequence[str]) -> Any:
    """The batch with the columns that the folders of its file name, as far as they are wanted."""
    import pyarrow as pa

    for name, value in keys.items():
        if name in columns:
            batch = batch.append_column(name, pa.repeat(pa.scalar(value), batch.num_rows))
    return batch
