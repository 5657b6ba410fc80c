"""Families of losses, one per file of `lossary.losses`, and the tasks that people look for losses for."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .record import Record

# What somebody is about to do, and the families in which to look.
TASKS: dict[str, tuple[str, ...]] = {
    "regression": ("regression", "robust", "quantile", "likelihood", "counts"),
    "forecasting": ("quantile", "likelihood", "regression", "robust"),
    "classification": ("binary", "margins", "multiclass", "distributions"),
    "segmentation": ("segmentation", "binary", "multiclass"),
    "detection": ("boxes", "binary", "multiclass"),
    "retrieval": ("embedding", "ranking"),
    "ranking": ("ranking", "preference"),
    "preference": ("preference",),
    "survival": ("survival",),
    "audio": ("sequence",),
}


def about(records: Sequence[Record]) -> dict[str, str]:
    """Family -> what its losses are for, in the order of the records: the first line of its file."""
    modules = {record.family: record.formula.__module__ for record in records}
    return {family: (sys.modules[module].__doc__ or "").split("\n", 1)[0] for family, module in modules.items()}


def found(
    records: Sequence[Record], *, family: str | None = None, task: str | None = None, search: str = ""
) -> list[Record]:
    """The records of a family, for a task, in which all words that are searched for occur."""
    words = search.lower().split()
    return [
        record
        for record in records
        if family in (None, record.family)
        and (task is None or record.family in TASKS[task])
        and all(word in _text(record) for word in words)
    ]


def _text(record: Record) -> str:
    """All that is said of a loss, names with and without their separators."""
    names = [*record.spellings(), *record.peers]
    spaced = [name.replace("_", " ") for name in names]
    return "\n".join([*names, *spaced, record.family, record.text, record.definition, record.source]).lower()
