"""What can be wrong with a file of predictions, and the texts that say so."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ..errors import LossError, ParameterError


class FileError(LossError):
    """A file that is missing, of an unknown kind, or not readable as what its name says."""


class ColumnError(LossError):
    """A column that the file does not have, or that does not hold what it is used for."""


def no_file(path: Path) -> FileError:
    """Nothing of that name, with the nearest names beside it."""
    folder = path.parent
    beside = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"look with: ls {folder}"
    return FileError(f"there is no file {path}; {hint}")


def unknown_kind(path: Path, known: Sequence[str]) -> FileError:
    """The file's ending names no format that can be read."""
    what = "is a folder" if path.is_dir() else f"ends in {path.suffix or 'nothing'}"
    return FileError(
        f"{path} {what}; accepted are files in {', '.join(known)}. "
        "A pandas frame becomes one with frame.to_parquet('preds.parquet')"
    )


def unreadable(path: Path, reason: str) -> FileError:
    """The reader gave up."""
    return FileError(f"{path} cannot be read as {path.suffix.lstrip('.').upper()}: {reason}")


def not_utf8(path: Path, start: bytes = b"") -> FileError:
    """Text in an older encoding; ``start`` is the beginning of the file."""
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin1"
    converted = path.with_name(f"{path.stem}-utf8{path.suffix}")
    return FileError(
        f"{path} is no text in UTF-8; accepted is UTF-8 alone. If it is {encoding}, write: "
        f"iconv -f {encoding} -t utf-8 {path} > {converted}"
    )


def empty(path: Path) -> FileError:
    """Not one row in the whole file."""
    return FileError(f"{path} holds no rows, at most the names of columns; at least one row is needed")


def nothing_left(path: Path, skipped: int) -> FileError:
    """Every row misses a value."""
    return FileError(
        f"{path}: each of the {skipped} rows has a missing value in the columns used, so none is left to score; "
        "fill them, or name other columns"
    )


def unknown_column(path: Path, name: str, names: Sequence[str]) -> ColumnError:
    """No column of that name, with the nearest ones."""
    lower = {other.lower(): other for other in names}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), list(lower), n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(near)}? All of " if near else ""
    if names and all(_is_number(other) for other in names):
        hint = "the first line seems to hold numbers, and must hold the names of the columns; "
    shown = ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
    return ColumnError(f"{path} has no column {name!r}; {hint}its columns are: {shown}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def ambiguous(path: Path, name: str) -> ColumnError:
    """Two columns of one name."""
    return ColumnError(f"{path} has several columns {name!r}; give each a name of its own in the first line")


def not_numbers(path: Path, name: str, kind: str) -> ColumnError:
    """Text or a nested structure where numbers belong."""
    return ColumnError(
        f"{path}: column {name!r} holds {kind}; accepted are numbers, or lists of numbers of one length. "
        "Encode class names as integers 0, 1, ... first"
    )


def ragged(path: Path, name: str, lengths: Sequence[int]) -> ColumnError:
    """A list column whose lists differ in length."""
    return ColumnError(
        f"{path}: the lists of column {name!r} have {min(lengths)} to {max(lengths)} entries; accepted is one length "
        "for all rows, one entry per class or output"
    )


def missing(path: Path, name: str, row: int) -> ColumnError:
    """An empty cell or a NaN."""
    return ColumnError(
        f"{path}: column {name!r} has no value in row {row} (counted from 0); leave such rows out with --skip-missing "
        "(skip_missing=True), or fill them"
    )


def no_mean(loss: str, reduction: str) -> ParameterError:
    """A loss object that is not averaged, where means are what is computed."""
    return ParameterError(
        f"{loss}: reduction is {reduction!r}; a score is sum(w * loss) / sum(w) over the rows. Leave reduction= out; "
        "the sum is the mean times the weight, which is reported beside it"
    )


def no_label(path: Path, name: str, kind: str) -> ColumnError:
    """A column to group by whose cells are no single values."""
    return ColumnError(f"{path}: column {name!r} holds {kind}; accepted to group by are text, numbers and dates")


def too_many_groups(path: Path, name: str, limit: int) -> ColumnError:
    """A column to group by that is almost a key."""
    return ColumnError(
        f"{path}: column {name!r} has more than {limit} different values, too many to group by; "
        "choose a coarser column, or bin it first"
    )


def not_one_length(path: Path, lengths: dict[str, int]) -> FileError:
    """The arrays of an NPZ file belong to different numbers of rows."""
    shown = ", ".join(f"{name} has {rows}" for name, rows in lengths.items())
    return FileError(f"{path}: the arrays differ in their number of rows: {shown}; accepted is one number for all")
