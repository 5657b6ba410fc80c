"""The table of rules: one function and one stable code per finding, entered by a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .evidence import Evidence, NotCheckedError
from .report import Finding, Severity


@dataclass(frozen=True)
class Seen:
    """What a rule saw: the message and the remedy, and a severity where it differs from the rule's own."""

    message: str
    remedy: str
    better: str | None = None
    severity: Severity | None = None


Examine = Callable[[Evidence], Seen | None]


@dataclass(frozen=True)
class Rule:
    """One finding: its code, what it needs to be looked for, and two examples as source.

    ``bad`` and ``clean`` are calls of ``diagnose`` in the names of `lossary.doctor.examples`; the first triggers the
    finding and the second does not.  Tests and documentation run both.
    """

    code: str
    title: str
    severity: Severity
    theme: str
    needs: frozenset[str]
    examine: Examine
    bad: str
    clean: str
    unless: frozenset[str] = frozenset()

    def apply(self, evidence: Evidence) -> Iterator[Finding]:
        """The finding, if there is one."""
        seen = self.examine(evidence)
        if seen is not None:
            yield Finding(self.code, seen.severity or self.severity, seen.message, seen.remedy, seen.better)


RULES: dict[str, Rule] = {}


def rule(
    code: str,
    title: str,
    *,
    bad: str,
    clean: str,
    severity: Severity = "error",
    needs: str = "y_true y_pred",
    unless: str = "",
) -> Callable[[Examine], Examine]:
    """Enters a function into the table.

    ``needs`` names what must be at hand: ``y_true``, ``y_pred``, ``pair`` (both, row by row), ``head``, ``metrics``;
    ``unless`` names findings that have said the same already.
    """

    def enter(examine: Examine) -> Examine:
        if code in RULES:
            raise ValueError(f"{code} is taken by {RULES[code].title!r}")
        theme = examine.__module__.rsplit(".", 1)[-1]
        RULES[code] = Rule(
            code, title, severity, theme, frozenset(needs.split()), examine, bad, clean, frozenset(unless.split())
        )
        return examine

    return enter


def enough(count: int, least: int, what: str) -> None:
    """Leaves the rule where there are too few data for a verdict."""
    if count < least:
        raise NotCheckedError(f"needs at least {least} {what}, there are {count}")
