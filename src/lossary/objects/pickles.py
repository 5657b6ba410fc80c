"""How losses come out of pickles again: by reference to what stands in a module, by value where a pickler does that."""

from __future__ import annotations

import copyreg
import sys
from dataclasses import fields
from typing import Any

from .. import texts
from ..facts.record import Record
from ..facts.registry import enrolled, is_entered, kept, loss_class


def blank(name: str) -> Any:
    """An object of the loss of this name, for a pickle that fills it."""
    if not is_entered(name):
        raise texts.not_defined_here(name)
    return object.__new__(loss_class(name))


def is_found(cls: type) -> bool:
    """Whether a pickle would find the class where it says that it stands."""
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is cls


def _reduced(record: Record) -> tuple[Any, ...]:
    if enrolled(record.name) is record and record.builtin:
        return enrolled, (record.name,)
    values = {field.name: getattr(record, field.name) for field in fields(record) if field.init}
    return _record, (values, record.number is not None)


def _record(values: dict[str, Any], is_definition: bool) -> Record:
    record = Record(**values)
    return kept(record) if is_definition else record


copyreg.pickle(Record, _reduced)
