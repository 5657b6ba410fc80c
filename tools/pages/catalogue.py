"""The losses that have a page, and which belong together."""

from __future__ import annotations

import re
from functools import lru_cache

from lossary.facts.record import Record
from lossary.facts.registry import records


@lru_cache
def builtin() -> tuple[Record, ...]:
    """The catalogue, by name."""
    return tuple(sorted((record for record in records() if record.builtin), key=lambda record: record.name))


def families() -> dict[str, list[Record]]:
    """Family -> its losses, both by name."""
    found: dict[str, list[Record]] = {}
    for record in sorted(builtin(), key=lambda record: record.family):
        found.setdefault(record.family, []).append(record)
    return found


@lru_cache
def _mentions() -> dict[str, frozenset[str]]:
    """Loss -> the losses that its text names."""
    names = {record.name for record in builtin()}
    return {
        record.name: frozenset(re.findall(r"`([a-z_0-9]+)`", record.text)) & names - {record.name}
        for record in builtin()
    }


def kin(record: Record) -> list[Record]:
    """Losses that its text names, or whose text names it."""
    named = _mentions()
    return [other for other in builtin() if other.name in named[record.name] or record.name in named[other.name]]
