"""Losses of predictions in files and frames, as long as they may be: read in blocks, summed exactly."""

from ._dask import connected
from ._errors import ColumnError, FileError
from ._run import from_columns
from ._score import Score, Scores, columns_of, loss_names, score
from ._tables import Block, Table, Wanted, open_table, steady

__all__ = [
    "Block",
    "ColumnError",
    "FileError",
    "Score",
    "Scores",
    "Table",
    "Wanted",
    "columns_of",
    "connected",
    "from_columns",
    "loss_names",
    "open_table",
    "score",
    "steady",
]
