"""What can be wrong with a file of predictions, and the texts that say so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DomainError, LossError, ParameterError


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
    if path.exists() and not (path.is_dir() or path.is_file()):
        what = "is a pipe or a device, which cannot be read twice"
    hint = "A pandas frame becomes one with frame.to_parquet('preds.parquet')"
    if path.suffix.lower() in _UNPACKERS and path.is_file():
        hint = f"Unpack it first: {_UNPACKERS[path.suffix.lower()]} {path}"
    return FileError(f"{path} {what}; accepted are files in {', '.join(known)}. {hint}")


_UNPACKERS = {
    ".gz": "gunzip --keep",
    ".bz2": "bunzip2 --keep",
    ".xz": "unxz --keep",
    ".zst": "unzstd",
    ".zip": "unzip",
}


def unreadable(path: Path, reason: str) -> FileError:
    """The reader gave up."""
    return FileError(f"{path} cannot be read as {path.suffix.lstrip('.').upper()}: {reason}")


def changed(path: Path) -> FileError:
    """Somebody wrote to the file meanwhile."""
    return FileError(
        f"{path} changed while it was read, so what was read is no whole; wait until it is written, or copy it first"
    )


def not_utf8(path: Path, start: bytes, part: bytes) -> FileError:
    """Text in an older encoding; ``start`` is the beginning of the file, ``part`` one with letters beyond ASCII."""
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else _encoding(part)
    converted = path.with_name(f"{path.stem}-utf8{path.suffix}")
    return FileError(
        f"{path} is no text in UTF-8; accepted is UTF-8 alone. If it is {encoding}, write: "
        f"iconv -f {encoding} -t utf-8 {path} > {converted}"
    )


def _encoding(part: bytes) -> str:
    """Chinese takes two bytes for each character, so letters beyond ASCII come in even numbers; latin1 takes one."""
    runs = re.findall(rb"[\x80-\xff]+", part)
    even = sum(len(run) % 2 == 0 for run in runs)
    try:
        part.decode("gb18030")
    except UnicodeDecodeError as error:
        if error.end < len(part):  # Not merely cut in the middle of a character.
            return "latin1"
    return "gb18030" if even > 0.8 * len(runs) else "latin1"


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


def not_numbers(path: Path, name: str, kind: str, text: str = "") -> ColumnError:
    """Text or a nested structure where numbers belong; ``text`` is one cell."""
    remedy = "Encode class names as integers 0, 1, ... first"
    if _THOUSANDS.fullmatch(text.strip()):
        remedy = "Write numbers without signs between thousands: 1234.5"
    elif text.strip().lower() in _MARKS:
        remedy = "Leave the cell of a missing value empty; --skip-missing (skip_missing=True) then leaves such rows out"
    return ColumnError(
        f"{path}: column {name!r} holds {kind}; accepted are numbers, or lists of numbers of one length. {remedy}"
    )


# Numbers like 1,234.5 and 1.234,5 and 1 234; and what stands for a value that is missing.
_THOUSANDS = re.compile(
    r"[-+]?\d{1,3}(?:(?:,\d{3})+(?:\.\d*)?|(?:\.\d{3})+(?:,\d*)?|(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d*)?)"
)
_MARKS = {"-", "--", "\u2013", "\u2014", ".", "?", "*", "missing", "none", "nil"}


def odd_number(cells: Iterable[str | None]) -> str:
    """The first cell that keeps a column of numbers from being read as such; nothing where texts are texts."""
    odd = [cell for cell in cells if cell and not _is_number(cell)]
    known = all(_THOUSANDS.fullmatch(cell.strip()) or cell.strip().lower() in _MARKS for cell in odd)
    return odd[0] if odd and known else ""


def no_entries(path: Path, name: str) -> ColumnError:
    """Rows of no numbers at all."""
    return ColumnError(f"{path}: the rows of column {name!r} hold no numbers at all; accepted is at least one per row")


def too_wide(path: Path, name: str, width: int, most: int) -> ColumnError:
    """Rows so long that one of them is a file of its own."""
    return ColumnError(
        f"{path}: the rows of array {name!r} hold {width} numbers each, and at most {most} are accepted. "
        "If each of the numbers is a row of its own, save them with numpy.ravel"
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


def negative_weight(loss: str, weights: np.ndarray[Any, Any]) -> DomainError:
    """A weight below 0 in a mean that is divided by the sum of the weights."""
    row = int(np.argmax(weights < 0))
    return DomainError(
        f"{loss}: sample_weight[{row}] is {weights[row]:g}; accepted are weights >= 0, as their sum divides the mean. "
        "Name a column of counts or sizes: weight='n'"
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
