"""The table in a file, told by its ending."""

from __future__ import annotations

from pathlib import Path

from .._extras import require
from . import _errors
from ._arrow import CsvTable, ParquetTable
from ._blocks import Block, Grouping, Table, steady
from ._npz import NpzTable

__all__ = ["Block", "Grouping", "Table", "open_table", "steady"]

KINDS = (".parquet", ".pq", ".csv", ".tsv", ".npz")


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
    if not path.is_file() or ending not in KINDS:
        raise _errors.unknown_kind(path, KINDS)
    if ending == ".npz":
        return NpzTable(path)
    require("pyarrow", "cli", "reading CSV and Parquet files")
    return CsvTable(path) if ending in (".csv", ".tsv") else ParquetTable(path)
