"""The explorer's losses under their switches, and what NumPy makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from tools.pages import explorer
from tools.pages.catalogue import builtin
from tools.pages.messages import Messages
from tools.pages.variants import variants

from inputs import Setting, program
from lossary.backends import NUMPY
from lossary.facts.settings import Interval
from nodejs import arguments, given

# What a page shows, without the parts that need one.
PURE = ("numbers", "picks", "scenes", "state", "fit")


@cache
def losses() -> str:
    """The script of the losses."""
    return explorer.script(Messages("en"))


def pure() -> str:
    """All scripts that need no page; ``site`` is what they share."""
    own = [(explorer.FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in PURE]
    return "\n".join([losses(), *own, "const site = globalThis.lossaryExplorer;"])


def settings() -> Iterator[Setting]:
    """Every loss under every setting of its switches: with its numbers at their defaults, and with others."""
    for record in builtin():
        for switches, made, _ in variants(record):
            moved = {p.name: _moved(p.allowed, p.default) for p in record.parameters if p.name in made.numbers}
            for numbers in ({}, moved) if moved else ({},):
                yield Setting(record, {**switches, **numbers})


def _moved(allowed: Any, default: float) -> float:
    """Another number that is allowed."""
    assert isinstance(allowed, Interval)
    low = allowed.minimum if np.isfinite(allowed.minimum) else default - 1.0
    high = allowed.maximum if np.isfinite(allowed.maximum) else max(2.0 * default, default + 0.5)
    return low + 0.37 * (high - low)


@cache
def calls() -> tuple[str, list[tuple[str, list[Any]]]]:
    """A JavaScript expression of the results of many calls, and for each its name and what NumPy makes of it."""
    asked, expected = [], []
    for setting in settings():
        made = program(setting)
        run = made.value_and_slope(NUMPY)
        for drawn, numbers in arguments(setting):
            with np.errstate(all="ignore"):
                found = [np.ravel(x) for x in run(*drawn, *numbers)]
            asked.append([setting.record.name, dict(setting.parameters), given(made, drawn)])
            expected.append((f"{setting} {dict(setting.parameters)} {drawn}", found))
    each = "([name, given, inputs]) => site.picks.ready({ name, given }).run(...inputs)"
    return f"{json.dumps(asked)}.map({each})", expected


# Numbers that JSON does not know.
TOLD = '(key, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x'
