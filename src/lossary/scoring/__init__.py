"""Losses of a file of predictions, as long as it may be: read in blocks, summed exactly."""

from ._errors import ColumnError, FileError
from ._score import Score, Scores, from_columns, loss_names, score
from ._tables import Block, Table, open_table, steady

__all__ = [
    "Block",
    "ColumnError",
    "FileError",
    "Score",
    "Scores",
    "Table",
    "from_columns",
    "loss_names",
    "open_table",
    "score",
    "steady",
]
