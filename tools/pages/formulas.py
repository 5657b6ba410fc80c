"""The formula of a loss as mathematics."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from lossary.facts.record import Record
from lossary.show._mathtext import mathtext


@lru_cache
def _by_hand() -> dict[str, str]:
    lines = Path(__file__).with_name("formulas.tex").read_text().splitlines()[1:]
    return dict(line.split(" = ", 1) for line in lines)


def formula(record: Record) -> list[str]:
    """In TeX, in lines: what the definition says, or what is written by hand where that is a sentence in part."""
    whole = (mathtext(record.definition) or _by_hand()[record.name]).strip("$")
    return re.split(r",\s*\\;\\;", whole) if len(whole) > 100 else [whole]
