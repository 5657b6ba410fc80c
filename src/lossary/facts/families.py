"""Families of losses, one per file of `lossary.losses`, and the tasks that people look for losses for."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .record import Record

# What somebody is about to do, and the families in which to look.
_NUMBERS = (
    "regression",
    "robust",
    "redescending",
    "quantile",
    "likelihood",
    "positive",
    "scores",
    "counts",
    "deviances",
)
_CLASSES = ("binary", "margins", "multiclass", "multiclass_margins", "multiclass_variants", "focal", "distributions")
TASKS: dict[str, tuple[str, ...]] = {
    "regression": (*_NUMBERS, "agreement"),
    "forecasting": ("forecasting", "quantile", "likelihood", "positive", "scores", "counts"),
    "classification": (*_CLASSES, "multilabel", "ordinal"),
    "segmentation": ("segmentation", "overlaps", "boundaries", "binary", "multiclass", "focal"),
    "detection": ("boxes", "detection", "binary", "focal"),
    "retrieval": ("embedding", "similarities", "directions", "ranking"),
    "ranking": ("ranking",),
    "preference": ("preference", "rewards", "policy"),
    "survival": ("survival",),
    "signals": ("signals", "sequences", "regression", "directions"),
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
