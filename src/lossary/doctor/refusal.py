"""The finding for everything that the loss itself refuses to compute."""

from __future__ import annotations

from .evidence import Evidence, refusal
from .rules import Seen, rule

CODE = "LS001"


@rule(
    CODE,
    "inputs that the loss refuses",
    needs="",
    bad="diagnose('mean_squared_error', reals, np.ones((200, 3)))",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
)
def refused(e: Evidence) -> Seen | None:
    """Shapes that do not fit, strings, two frameworks in one call; said by the loss's own checks."""
    if e.given_true is None or e.given_pred is None:
        return None
    error = refusal(e)
    if error is None:
        return None
    fact, _, remedy = str(error).rpartition(". ")
    return Seen(f"{fact or remedy}. The call raises {type(error).__name__}", remedy)
