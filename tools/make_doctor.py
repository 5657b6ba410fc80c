"""Writes ``doctor.md`` from the table of rules; ``--check`` only says whether the page is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import lossary
from lossary.doctor.examine import THEMES
from lossary.doctor.examples import run
from lossary.doctor.fit import activation_fit
from lossary.doctor.rules import RULES, Rule
from lossary.readers.heads import RANGES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "doctor.md"
HEAD = Path(__file__).with_name("doctor.head.md")
MARKS = {"right": "**right**", "works": "works", "weak": "weak", "wrong": "wrong"}


def page() -> str:
    """The whole page."""
    parts = [HEAD.read_text().rstrip(), "## All findings", *_table(), "## Output activations and losses", *_matrix()]
    for theme, title in THEMES.items():
        parts.append(f"## Findings about {title}")
        parts.extend(_entry(rule) for rule in _of(theme))
    return "\n\n".join(parts) + "\n"


def _of(theme: str) -> list[Rule]:
    return sorted((rule for rule in RULES.values() if rule.theme == theme), key=lambda rule: rule.code)


def _table() -> Iterator[str]:
    rows = ["| code | severity | finding |", "|---|---|---|"]
    for theme in THEMES:
        rows += [f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity} | {rule.title} |" for rule in _of(theme)]
    yield "\n".join(rows)


def _entry(rule: Rule) -> str:
    finding = next(finding for finding in run(rule.bad).findings if finding.code == rule.code)
    better = f"\n\nBetter loss: `{finding.better}`." if finding.better else ""
    return (
        f"### {rule.code}\n\n{rule.title[0].upper()}{rule.title[1:]} ({rule.severity}).\n\n"
        f"```python\n{rule.bad}      # finds it\n{rule.clean}      # does not\n```\n\n"
        f"> {finding.message}.\n\n```python\n{finding.remedy}\n```{better}"
    )


def _configured() -> Iterator[lossary.Loss]:
    for name in lossary.names():
        loss = lossary.get(name)
        if loss.record.builtin:
            yield loss
            if "from_logits" in loss.parameters:
                yield lossary.get(name, from_logits=True)


def _matrix() -> Iterator[str]:
    yield (
        "Whether the activation of the last layer can produce what the loss reads. *weak* is a warning and *wrong* an "
        "error of LS301; *works* says nothing, but see LS304 for targets beyond the activation's range."
    )
    rows = [f"| loss | {' | '.join(RANGES)} |", f"|---|{'---|' * len(RANGES)}"]
    for loss in _configured():
        judged = [MARKS[activation_fit(loss, activation).judgement] for activation in RANGES]
        rows.append(f"| `{loss!r}` | {' | '.join(judged)} |")
    yield "\n".join(rows)


def main(arguments: list[str]) -> int:
    """Writes or checks the page."""
    current = page()
    if "--check" in arguments:
        stale = not PAGE.exists() or PAGE.read_text() != current
        if stale:
            print(f"{PAGE.name} is not current; run: python tools/{Path(__file__).name}")
        return int(stale)
    PAGE.write_text(current)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
