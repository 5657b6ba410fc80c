"""Every spelling of every built-in loss, as attributes of the package."""

from __future__ import annotations

from typing import Any

from ..facts.record import Record
from ..facts.spelling import camel
from .define import function, loss_class, records


def function_names(record: Record) -> list[str]:
    """Names under which the function stands: the canonical one and the aliases in lower case or capitals alone."""
    aliases = [name for name in _identifiers(record) if name in (name.lower(), name.upper())]
    return list(dict.fromkeys([record.name, *aliases]))


def class_names(record: Record) -> list[str]:
    """Names under which the class of configured objects stands: every name in camel case."""
    aliases = [camel(name) for name in _identifiers(record) if name != name.upper()]
    return list(dict.fromkeys([record.class_name, *aliases]))


def _identifiers(record: Record) -> list[str]:
    """Names that can stand in code: a booster's ``reg:squarederror`` is known to `get` alone."""
    return [name for name in record.aliases if name.isidentifier()]


def exports() -> dict[str, Any]:
    """Name -> function or class, for all built-in losses."""
    found: dict[str, Any] = {}
    for record in records():
        if record.builtin:
            found |= dict.fromkeys(function_names(record), function(record.name))
            found |= dict.fromkeys(class_names(record), loss_class(record.name))
    return found
