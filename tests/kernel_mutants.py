"""Broken kernels: the emitted source with one thing changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What is looked for, and what is put there instead.
_CHANGES = (
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " / "),
    (r" / ", " * "),
    (r"F\((\d+\.\d+(?:e-?\d+)?)\)", r"F(\1 + 0.03125)"),
    (r"\bmaximum\(", "minimum("),
    (r"\bminimum\(", "maximum("),
    (r"\bless(_equal)?\(", "equal("),
    (r"\bequal\(", "less("),
    (r"\blogical_and\(", "logical_or("),
    (r"\blarger\(", "min("),
    (r"\baccumulate\(", "accumulate_square("),
    (r"\baccumulate_square\(", "accumulate("),
    (r"\b(exp|log|log1p|tanh|expm1|small_sinh|sqrt|square|abs|sign)\(", "("),
    (r"in range\(columns\)", "in range(columns - 1)"),
    (r"in range\(columns\)", "in range(1, columns)"),
    (r"range\(first, last\)", "range(first + 1, last)"),
    (r"range\(first, last\)", "range(first, last - 1)"),
    (r"= faulty\(faults, .*\)$", "= faults"),
    (r"^( +)(\w+)\[(i|j)\] = .*$", r"\1pass"),
)


@dataclass(frozen=True)
class Mutant:
    """A place in the source and what stands there instead."""

    number: int
    line: str
    changed: str

    def __str__(self) -> str:
        return f"{self.line.strip()}  ->  {self.changed.strip()}"

    def apply(self, source: str) -> str:
        """The broken source."""
        lines = source.splitlines()
        assert lines[self.number] == self.line
        return "\n".join([*lines[: self.number], self.changed, *lines[self.number + 1 :], ""])


def mutants(source: str) -> Iterator[Mutant]:
    """Every single change of a kernel."""
    for number, line in enumerate(source.splitlines()):
        for pattern, text in _CHANGES:
            for found in re.finditer(pattern, line):
                changed = line[: found.start()] + found.expand(text) + line[found.end() :]
                yield Mutant(number, line, changed)
