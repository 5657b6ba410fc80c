"""Targets that name classes, as the numbers that losses take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import _errors

TRUTHS = {"true", "false"}


@dataclass(frozen=True)
class Coding:
    """What a target column means.

    ``classes`` stand for 0, 1, ... in this order; ``positive`` alone stands for 1 and everything else for 0.  Classes
    that nobody ``gave``, as they are read off the names of the prediction columns, only count where the column is text.
    """

    classes: tuple[str, ...] = ()
    positive: str | None = None
    given: bool = True

    @property
    def codes_numbers(self) -> bool:
        """Whether numbers name classes too."""
        return self.given and bool(self.classes or self.positive is not None)


def coding_of(classes: Sequence[str] | None, positive: str | None) -> Coding:
    """The classes as texts, each once, the positive one among them."""
    if isinstance(classes, str):
        raise _errors.classes_are_text(classes)
    named = tuple(map(str, classes or ()))
    if classes is not None and (len(named) < 2 or len(set(named)) < len(named)):
        raise _errors.no_classes(named)
    if positive is not None and named and str(positive) not in named:
        raise _errors.foreign_positive(str(positive), named)
    return Coding(named, None if positive is None else str(positive))


def coded(place: Any, name: str, column: Any, coding: Coding, row: int) -> Any:
    """The column as numbers: integers where it names classes; ``row`` is that of the first entry."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(column.type):
        column, coding = column.cast(pa.string()), _folded(coding)
    if _is_text(column.type):
        column = _stripped(column, coding)
        if not (coding.classes or coding.positive is not None):
            return _plain_text(place, name, column, coding)
        if _are_numbers(coding) and (numbers := _as_numbers(column)) is not None:
            column = numbers
    known: list[Any] = list(coding.classes) or [coding.positive]
    if not _is_text(column.type):
        if not _are_numbers(coding):
            raise _errors.no_class(place, name, column[0].as_py(), row, known)
        values = pa.array([float(str(text)) for text in known], pa.float64())
        column = column.cast(pa.float64(), safe=False)
    else:
        values = pa.array(known, pa.string())
    found = pc.index_in(column, value_set=values)
    if coding.classes:
        _all_known(place, name, column, found, row, known)
    elif _is_text(column.type):
        _no_near_miss(place, name, column, str(coding.positive), row)
    if coding.positive is None:
        return found.cast(pa.int64())
    at = coding.classes.index(coding.positive) if coding.classes else 0
    positive = pc.fill_null(pc.equal(found, at), False).cast(pa.int64())
    return pc.if_else(column.is_null(), pa.scalar(None, pa.int64()), positive)


def as_text(place: Any, name: str, column: Any) -> Any:
    """Text that is numbers, or True and False, as such; what is neither is an error."""
    return _plain_text(place, name, _stripped(column, Coding()), None)


def _plain_text(place: Any, name: str, column: Any, coding: Coding | None) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if (numbers := _as_numbers(column)) is not None:
        return numbers
    texts = sorted(str(text) for text in pc.unique(column.drop_null()).to_pylist())
    if {text.lower() for text in texts} <= TRUTHS:
        return pc.equal(pc.utf8_lower(column), "true").cast(pa.uint8())
    raise _errors.text_for_numbers(place, name, texts, is_target=coding is not None)


def _as_numbers(column: Any) -> Any:
    import pyarrow as pa

    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _stripped(column: Any, coding: Coding) -> Any:
    """Without blanks around the texts; an empty one is missing, unless it is a class."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.utf8_trim_whitespace(column.cast(pa.string()))
    if "" in coding.classes or coding.positive == "":
        return column
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _are_numbers(coding: Coding) -> bool:
    try:
        return [float(str(text)) for text in coding.classes or [coding.positive]] != []
    except ValueError:
        return False


def _folded(coding: Coding) -> Coding:
    positive = None if coding.positive is None else coding.positive.lower()
    return Coding(tuple(text.lower() for text in coding.classes), positive, coding.given)


def _all_known(place: Any, name: str, column: Any, found: Any, row: int, known: list[Any]) -> None:
    import pyarrow.compute as pc

    unknown = pc.and_(column.is_valid(), found.is_null())
    at = pc.index(unknown, True).as_py()
    if at >= 0:
        raise _errors.no_class(place, name, column[at].as_py(), row + at, known)


def _no_near_miss(place: Any, name: str, column: Any, positive: str, row: int) -> None:
    """Nothing that differs from the positive class in capitals alone."""
    import pyarrow.compute as pc

    near = pc.and_(pc.equal(pc.utf8_lower(column), positive.lower()), pc.not_equal(column, positive))
    at = pc.index(near, True).as_py()
    if at >= 0:
        raise _errors.no_class(place, name, column[at].as_py(), row + at, [positive])
