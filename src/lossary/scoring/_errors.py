"""What can be wrong with a file of predictions, and the texts that say so."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DomainError, LossError, ParameterError
from . import _times


class FileError(LossError):
    """A file that is missing, of an unknown kind, or not readable as what its name says."""


class ColumnError(LossError):
    """A column that the file does not have, or that does not hold what it is used for."""


def no_file(path: Any) -> FileError:
    """Nothing of that name, with the nearest names beside it."""
    folder = path.parent
    beside = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"look with: ls {folder}"
    return FileError(f"there is no file {path}; {hint}")


def no_match(pattern: str) -> FileError:
    """A glob that nothing fits."""
    folder = re.split(r"[^/]*[*?\[]", pattern, maxsplit=1)[0]
    hint = f"look with: ls {folder or '.'}"
    if "://" not in pattern and Path(folder or ".").is_dir():
        beside = sorted(p.name for p in Path(folder or ".").iterdir())
        near = difflib.get_close_matches(pattern.rpartition("/")[2], beside, n=3, cutoff=0.4) or beside[:3]
        hint = f"beside it lie {', '.join(near)}" if near else f"the folder {folder or '.'} is empty"
    return FileError(f"no file matches {pattern!r}; {hint}")


def nothing_named() -> FileError:
    """An empty list of files."""
    return FileError("no file is named in an empty list; accepted is at least one, for example ['preds.parquet']")


def no_address(text: str, error: BaseException) -> FileError:
    """An address that fsspec cannot follow."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return FileError(f"{text} cannot be read: {reason}")


def empty_folder(text: str, known: Sequence[str]) -> FileError:
    """A folder without one file that can be read."""
    return FileError(
        f"{text} is a folder in which no file ends in {', '.join(known)}; name the files, or their --format"
    )


def several_kinds(text: str, kinds: Sequence[str]) -> FileError:
    """A folder that may hold the same rows twice."""
    first = kinds[0]
    return FileError(
        f"{text} holds files of several kinds: {', '.join(kinds)}; name those that are meant: "
        f"'{text.rstrip('/')}/**/*.{first}'"
    )


def unknown_format(given: str, known: Sequence[str]) -> ParameterError:
    """A name of no format."""
    near = difflib.get_close_matches(given.lower().lstrip("."), known, n=1)
    hint = f"did you mean {near[0]}? Accepted" if near else "accepted"
    return ParameterError(f"format {given!r} is not known; {hint} are {', '.join(known)}")


def unknown_kind(path: Any, known: Sequence[str], packed: Sequence[str]) -> FileError:
    """The file's ending names no format that can be read."""
    ending = Path(path).suffix
    hint = "A pandas frame becomes one with frame.to_parquet('preds.parquet')"
    if ending.lower() in _UNPACKERS:
        hint = f"Unpack it first: {_UNPACKERS[ending.lower()]} {path}"
    return FileError(
        f"{path} ends in {ending or 'nothing'}; accepted are files in {', '.join(known)}, and these in "
        f"{', '.join(packed)}. Where the ending does not tell, --format csv (format='csv') does. {hint}"
    )


_UNPACKERS = {".zip": "unzip", ".tar": "tar xf", ".tgz": "tar xzf", ".7z": "7z x", ".z": "uncompress"}
_SHOWN = {"jsonl": "JSON Lines", "arrow": "Arrow"}


_LONGEST = 80


def unreadable(path: Any, reason: str) -> FileError:
    """The reader gave up."""
    kind = getattr(path, "kind", "") or Path(str(path)).suffix.lstrip(".")
    kind = _SHOWN.get(kind, kind.upper())
    said = " ".join(reason.split())  # In one line, where a reader quotes cells with line ends.
    return FileError(f"{path} cannot be read{f' as {kind}' if kind else ''}: {said}")


def changed(path: Any) -> FileError:
    """Somebody wrote to the file meanwhile."""
    return FileError(
        f"{path} changed while it was read, so what was read is no whole; wait until it is written, or copy it first"
    )


def not_utf8(path: Any, start: bytes, part: bytes) -> FileError:
    """Text in an older encoding; ``start`` is the beginning of the file, ``part`` one with letters beyond ASCII."""
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else _encoding(part)
    return FileError(
        f"{path} is no text in UTF-8. If it is {encoding}, add --encoding {encoding} (encoding='{encoding}')"
    )


def checked_encoding(name: str) -> str:
    """The encoding under the name that Python gives it."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ParameterError(
            f"encoding {name!r} is not known; accepted are names like utf-8, gb18030, latin1, cp1252, shift_jis"
        ) from None


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


def empty(path: Any) -> FileError:
    """Not one row in the whole file."""
    return FileError(f"{path} holds no rows, at most the names of columns; at least one row is needed")


def nothing_left(path: Any, skipped: int, masked: int = 0) -> FileError:
    """Every row misses a value, or is masked."""
    if masked:
        other = f", and {skipped} miss a value" if skipped else ""
        return FileError(
            f"{path}: the mask (--where, where=) is not true in {masked} rows{other}, so none is left to score; "
            "a row counts where the column is true or not 0"
        )
    return FileError(
        f"{path}: each of the {skipped} rows has a missing value in the columns used, so none is left to score; "
        "fill them, or name other columns"
    )


def unknown_column(path: Any, name: str, names: Sequence[str]) -> ColumnError:
    """No column of that name, with the nearest ones."""
    lower = {other.lower(): other for other in names}
    near = [lower[match] for match in difflib.get_close_matches(name.lower(), list(lower), n=3, cutoff=0.6)]
    hint = f"did you mean {' or '.join(near)}? All of " if near else ""
    if names and all(_is_number(other) for other in names):
        hint = "the first line seems to hold numbers, and must hold the names of the columns; "
    shown = ", ".join(map(_cut, names[:20])) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")
    return ColumnError(f"{path} has no column {name!r}; {hint}its columns are: {shown}")


def _cut(name: str) -> str:
    """A name as far as it can be shown; what is no table may have one of megabytes."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}... ({len(name)} characters)"


def _is_number(text: str) -> bool:
    try:
        float(text.replace("_", "?"))  # Python alone reads 1_000 as a number.
    except ValueError:
        return False
    return True


def ambiguous(path: Any, name: str) -> ColumnError:
    """Two columns of one name."""
    return ColumnError(f"{path} has several columns {name!r}; give each a name of its own in the first line")


def not_numbers(path: Any, name: str, kind: str, text: str = "") -> ColumnError:
    """Text or a nested structure where numbers belong; ``text`` is one cell."""
    remedy = "Name a column of numbers; classes are named for targets alone, with --classes a,b"
    if _SIGNED.fullmatch(text.strip()):
        remedy = "Write numbers without signs between thousands, of percent or of money: 1234.5"
    elif text.strip().lower() in _MARKS:
        remedy = "Leave the cell of a missing value empty; --skip-missing (skip_missing=True) then leaves such rows out"
    remedy = _times.remedy(name, kind, text) or remedy
    return ColumnError(
        f"{path}: column {name!r} holds {kind}; accepted are numbers, or lists of numbers of one length. {remedy}"
    )


def text_for_numbers(path: Any, name: str, texts: Sequence[str], *, is_target: bool) -> ColumnError:
    """Text where numbers belong; among targets it most likely names classes."""
    if not is_target or odd_number(texts):
        odd = odd_number(texts) or texts[0]
        return not_numbers(path, name, f"the text {odd!r}", odd)
    if all(map(_times.is_date, texts)):
        return not_numbers(path, name, f"dates such as {texts[0]!r}", texts[0])
    shown = ", ".join(map(repr, texts[:5])) + (", ..." if len(texts) > 5 else "")
    listed = ",".join(texts[:5]) + (",..." if len(texts) > 5 else "")
    remedy = f"Name the classes in the order of the predictions: --classes {listed} (classes={list(texts[:5])})"
    if len(texts) <= 2:
        likely = next((text for text in texts if text.lower() in _POSITIVE), texts[-1])
        remedy = f"Name the one that counts as 1: --positive {likely} (positive={likely!r})"
    return ColumnError(
        f"{path}: column {name!r} holds the text {shown}; accepted are numbers, or names of classes. {remedy}"
    )


_POSITIVE = {"yes", "y", "true", "t", "pos", "positive", "1", "good", "spam", "是"}


def no_class(path: Any, name: str, found: Any, row: int, known: Sequence[Any]) -> ColumnError:
    """A label that none of the classes is."""
    lower = {str(text).lower(): str(text) for text in known}
    near = difflib.get_close_matches(str(found).lower(), list(lower), n=1, cutoff=0.6)
    hint = f"did you mean {lower[near[0]]}? The" if near else "the"
    shown = ", ".join(map(str, known[:20])) + (", ..." if len(known) > 20 else "")
    return ColumnError(
        f"{path}: column {name!r} holds {found!r} in row {row} (counted from 0); {hint} classes are {shown} "
        "(--classes, classes=; --positive, positive=)"
    )


def never_positive(path: Any, name: str, positive: str) -> ColumnError:
    """A positive class that no row has, be it for a slip of the pen."""
    return ColumnError(
        f"{path}: no row of column {name!r} holds {positive!r}, so that all of them would count as 0; "
        f"if that is right, name both classes: --classes OTHER,{positive} (classes=['OTHER', {positive!r}])"
    )


def classes_are_text(classes: str) -> ParameterError:
    """One text for all classes."""
    return ParameterError(f"classes is the text {classes!r}; accepted is a list: classes={classes.split(',')}")


def no_classes(named: Sequence[str]) -> ParameterError:
    """Too few classes, or one of them twice."""
    return ParameterError(f"classes are {', '.join(named) or 'none'}; accepted are two or more, each once: cat,dog")


def foreign_positive(positive: str, named: Sequence[str]) -> ParameterError:
    """A positive class that the others do not know."""
    return ParameterError(f"positive is {positive!r}, which is none of the classes {', '.join(named)}")


def json_array(path: Any) -> FileError:
    """JSON that is one array of all rows."""
    return FileError(
        f"{path} is one JSON array; accepted is JSON Lines, an object a line, which can be read as it streams. "
        f"It becomes that with: jq -c '.[]' {path} > preds.jsonl"
    )


def broken_line(path: Any, line: int, reason: str) -> FileError:
    """A line that is no JSON object."""
    return FileError(f"{path}, line {line}, is no JSON object: {reason}")


def other_kind(path: Any, name: str, first: tuple[int, str], other: tuple[int, str]) -> ColumnError:
    """A key with values of two kinds."""
    return ColumnError(
        f"{path}: {name!r} is {first[1]} in line {first[0]} and {other[1]} in line {other[0]}; accepted is one kind"
    )


def no_source(label: str) -> FileError:
    """An object that holds no rows that anybody knows of."""
    return FileError(
        f"{label} cannot be read; accepted are paths, globs, folders, addresses, lists of these, LazyFrames of polars, "
        "relations of DuckDB, data sets and readers of pyarrow, and frames with __arrow_c_stream__"
    )


def no_kernels(reason: Any) -> FileError:
    """A worker without what the others compute with."""
    return FileError(f"a worker cannot use the fused kernels that the others use, and its sums would differ: {reason}")


def no_scheduler(address: str, error: BaseException) -> FileError:
    """Nobody answers."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return FileError(
        f"no Dask scheduler answers at {address}: {reason}. Start one with: dask scheduler; "
        "it prints its address, for example tcp://127.0.0.1:8786"
    )


def not_spread(name: str) -> FileError:
    """Rows that exist in this process alone."""
    return FileError(
        f"{name} is in this process alone, so that no worker can read it; accepted with --dask (client=) are files, "
        "globs, folders and addresses. A LazyFrame becomes files with frame.sink_parquet('preds.parquet')"
    )


def workers_died(name: str, error: BaseException) -> FileError:
    """Tasks that nobody lives to finish."""
    return FileError(f"{name}: the workers died while they scored it, {type(error).__name__}: {error}")


def not_on_worker(path: Any) -> FileError:
    """A file that the worker does not see."""
    return FileError(
        f"a Dask worker finds no file {path}; every worker must see the files under the same name: "
        "a folder that all machines share, or an address such as s3://bucket/preds.parquet"
    )


# Numbers like 1,234.5 and 1.234,5 and 1 234 and 50%; and what stands for a value that is missing.
_GROUPS = r"\d{1,3}(?:(?:,\d{3})+(?:\.\d*)?|(?:\.\d{3})+(?:,\d*)?|(?:[ _'\u2019\u00a0\u202f]\d{3})+(?:[.,]\d*)?)"
_SIGNED = re.compile(rf"[-+]?[$€£¥₹]?\s?[-+]?(?:{_GROUPS}|\d+(?:[.,]\d+)?)\s?[%‰$€£¥₹]?")
_MARKS = {"-", "--", "\u2013", "\u2014", ".", "?", "*", "missing", "none", "nil"}


def odd_number(cells: Iterable[str | None]) -> str:
    """The first cell that keeps a column of numbers from being read as such; nothing where texts are texts."""
    odd = [cell for cell in cells if cell and not _is_number(cell)]
    known = all(_SIGNED.fullmatch(cell.strip()) or cell.strip().lower() in _MARKS for cell in odd)
    return odd[0] if odd and known else ""


def no_entries(path: Any, name: str) -> ColumnError:
    """Rows of no numbers at all."""
    return ColumnError(f"{path}: the rows of column {name!r} hold no numbers at all; accepted is at least one per row")


def too_wide(path: Any, name: str, width: int, most: int) -> ColumnError:
    """Rows so long that one of them is a file of its own."""
    return ColumnError(
        f"{path}: the rows of array {name!r} hold {width} numbers each, and at most {most} are accepted. "
        "If each of the numbers is a row of its own, save them with numpy.ravel"
    )


def ragged(path: Any, name: str, lengths: Sequence[int]) -> ColumnError:
    """A list column whose lists differ in length."""
    return ColumnError(
        f"{path}: the lists of column {name!r} have {min(lengths)} to {max(lengths)} entries; accepted is one length "
        "for all rows, one entry per class or output"
    )


def missing(path: Any, name: str, row: int) -> ColumnError:
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


def no_label(path: Any, name: str, kind: str) -> ColumnError:
    """A column to group by whose cells are no single values."""
    return ColumnError(f"{path}: column {name!r} holds {kind}; accepted to group by are text, numbers and dates")


def too_many_groups(path: Any, name: str, limit: int) -> ColumnError:
    """A column to group by that is almost a key."""
    return ColumnError(
        f"{path}: column {name!r} has more than {limit} different values, too many to group by; "
        "choose a coarser column, or bin it first"
    )


def not_one_length(path: Any, lengths: dict[str, int]) -> FileError:
    """The arrays of an NPZ file belong to different numbers of rows."""
    shown = ", ".join(f"{name} has {rows}" for name, rows in lengths.items())
    return FileError(f"{path}: the arrays differ in their number of rows: {shown}; accepted is one number for all")
