"""Losses of a file of predictions, as long as it may be: read in blocks, summed exactly."""

from ._errors import ColumnError, FileError
from ._score import Score, Scores, score
from ._tables import Block, Table, open_table

__all__ = ["Block", "ColumnError", "FileError", "Score", "Scores", "Table", "open_table", "score"]
