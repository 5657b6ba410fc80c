"""What was found out about whether a loss is sound."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Status = Literal["passed", "failed", "fact", "not checked"]
_MARKS: Final = {"passed": "ok  ", "failed": "FAIL", "fact": "    ", "not checked": "--  "}


@dataclass(frozen=True)
class Check:
    """One property of a loss: whether it holds, with the figure."""

    name: str
    status: Status
    detail: str

    def __str__(self) -> str:
        return f"{_MARKS[self.status]} {self.name}: {self.detail}"


@dataclass(frozen=True)
class Verification:
    """What `lossary.verify` found.  ``ok`` means that no check failed; facts are neither right nor wrong."""

    loss: str
    backend: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.status == "failed")

    def __str__(self) -> str:
        verdict = "sound" if self.ok else f"{len(self.failed)} of {len(self.checks)} checks failed"
        return "\n".join([f"{self.loss} on {self.backend}: {verdict}", *map(str, self.checks)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        checks = [asdict(check) for check in self.checks]
        return {"loss": self.loss, "backend": self.backend, "ok": self.ok, "checks": checks}

    def to_json(self, indent: int | None = 2) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)
