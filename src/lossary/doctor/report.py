"""What the doctor hands back: findings, facts, and what was not looked at."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
_COLOURS = {"error": "#b3261e", "warning": "#a15c00", "note": "#2f5d8a"}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, about a loss on these data.

    Attributes:
        code: Stable code, ``LS101``; the page on the doctor lists all of them.
        severity: ``"error"`` (the result is wrong or training cannot work), ``"warning"`` (it will likely train badly)
            or ``"note"`` (worth knowing).
        message: What was seen, with the numbers and the index, and why it hurts.
        remedy: Code to paste.
        better: The name of a loss that fits better, or None.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    better: str | None = None

    def __str__(self) -> str:
        better = f"\n    better loss: {self.better}" if self.better else ""
        return f"{self.code} {self.severity}: {self.message}\n    remedy: {_indented(self.remedy)}{better}"


@dataclass(frozen=True)
class Report:
    """The doctor's report on one loss.

    Attributes:
        loss: The loss that was examined, as it would be written.
        findings: What was found, errors first.
        facts: What was measured and needs no action, such as the value expected before training.
        not_checked: What was not looked at, and why.  It is never empty: silence is no approval.
    """

    loss: str
    findings: tuple[Finding, ...]
    facts: tuple[str, ...]
    not_checked: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """No error and no warning."""
        return not self.at_least("warning")

    def at_least(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of this severity and the graver ones."""
        graver = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return tuple(finding for finding in self.findings if finding.severity in graver)

    @property
    def verdict(self) -> str:
        """In one line, how many findings of which severity."""
        counts = {s: sum(f.severity == s for f in self.findings) for s in SEVERITIES}
        counted = [f"{n} {s}{'s' if n > 1 else ''}" for s, n in counts.items() if n]
        return f"{self.loss}: {', '.join(counted) or 'nothing found'}"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.verdict
        yield from map(str, self.findings)
        if self.facts:
            yield "measured:"
            yield from (f"  - {fact}" for fact in self.facts)
        yield "not checked:"
        yield from (f"  - {line}" for line in self.not_checked)

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{html.escape(self.verdict)}</b></p>", *map(_finding_html, self.findings)]
        if self.facts:
            parts.append(_list_html("Measured", self.facts))
        parts.append(_list_html("Not checked", self.not_checked))
        return f"<div>{''.join(parts)}</div>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "loss": self.loss,
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "facts": list(self.facts),
            "not_checked": list(self.not_checked),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)


def _indented(code: str) -> str:
    return code.replace("\n", "\n            ")


def _finding_html(finding: Finding) -> str:
    better = f"<br>better loss: <code>{html.escape(finding.better)}</code>" if finding.better else ""
    return (
        f'<p><b style="color:{_COLOURS[finding.severity]}">{finding.code} {finding.severity}</b> '
        f"{html.escape(finding.message)}</p><pre>{html.escape(finding.remedy)}</pre>{better}"
    )


def _list_html(title: str, lines: tuple[str, ...]) -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<p>{title}</p><ul>{items}</ul>"
