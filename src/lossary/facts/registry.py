"""Every loss that has been defined: its record, its class, its function, under all spellings of its name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from .record import Record
from .spelling import fold

_records: dict[str, Record] = {}
_classes: dict[str, Any] = {}
_functions: dict[str, Any] = {}
# Folded spelling -> canonical name.
_folded: dict[str, str] = {}
# Classes of losses that are made of others, which have no name of their own, by folded name.
_composed: dict[str, Any] = {}
_listeners: list[Callable[[], None]] = []
_numbers = itertools.count()
# A record lives as long as its loss is known by name or an object holds it, and its programs live with it.
_definitions: WeakValueDictionary[str, Record] = WeakValueDictionary()


# --- records --------------------------------------------------------------------------------------------------------


def enrol(record: Record) -> None:
    """Makes a record known by name; objects of an earlier one of that name keep theirs."""
    earlier = _records.get(record.name)
    if earlier is not None:  # Other libraries remember classes for ever; what they were traced to need not stay too.
        vars(earlier.programs).clear()
    _records[record.name] = kept(record)


def kept(record: Record) -> Record:
    """The record, whose programs are kept from now on."""
    # As text: torch.compile may take a whole number for one that changes.
    number = str(next(_numbers))
    object.__setattr__(record, "number", number)
    vars(record.programs).clear()
    _definitions[number] = record
    return record


def enrolled(name: str) -> Record | None:
    """The record known by this name."""
    return _records.get(name)


def is_enrolled(record: Record) -> bool:
    """Whether programs of this record are kept; those of a plain function may mean something else at each call."""
    return record.number is not None


def definition(number: str) -> Record:
    """The record that was given this number."""
    return _definitions[number]


def records() -> list[Record]:
    """All records, built-in ones first, in the order of their definition."""
    return [made.record for made in _functions.values()]


# --- classes and functions ------------------------------------------------------------------------------------------


def taken(record: Record) -> tuple[str, str] | None:
    """A spelling that is another loss's, and that loss; a custom loss may replace a custom one, never a built-in."""
    for spelling in record.spellings():
        owner = _folded.get(fold(spelling))
        if owner is not None and (_classes[owner].record.builtin or owner != record.name):
            return spelling, owner
    return None


def enter(record: Record, cls: Any, function: Any) -> None:
    """Makes the class and the function of an enrolled record known under all its spellings, and tells who listens."""
    _folded.update({fold(spelling): record.name for spelling in record.spellings()})
    _classes[record.name], _functions[record.name] = cls, function
    for told in _listeners:
        told()


def listen(told: Callable[[], None]) -> None:
    """Calls ``told`` whenever a loss has been defined."""
    _listeners.append(told)


def is_entered(name: str) -> bool:
    """Whether a loss of this canonical name has been defined."""
    return name in _functions


def function(name: str) -> Any:
    """The function of the loss of this canonical name."""
    return _functions[name]


def loss_class(name: str) -> Any:
    """The class of the loss of this canonical name."""
    return _classes[name]


def compose(cls: Any) -> Any:
    """Makes a class of losses that are made of others known to configurations; a decorator."""
    _composed[fold(cls.__name__)] = cls
    return cls


def compositions() -> list[Any]:
    """The classes of losses that are made of others."""
    return list(_composed.values())


def composed(name: str) -> Any:
    """The class of this name for losses that are made of others, or None."""
    return _composed.get(fold(name))


_answers: dict[str, Callable[..., Any]] = {}


def answers(question: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function known by its name to objects that stand below it; a decorator."""
    _answers[question.__name__] = question
    return question


def answer(name: str) -> Callable[..., Any]:
    """The function of this name."""
    return _answers[name]


def folded() -> Mapping[str, str]:
    """Folded spelling -> canonical name."""
    return _folded
