"""The finding for everything that the loss itself refuses to compute."""

from __future__ import annotations

from ..errors import LossError
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
    if not isinstance(error, LossError):
        message = f"the function {e.name!r} fails on these arrays with {type(error).__name__}: {error}"
        return Seen(message, f"{e.name}(y_true[:2], y_pred[:2])   # call it by itself to see where")
    fact, _, remedy = str(error).rpartition(". ")
    return Seen(f"{fact or remedy}. The call raises {type(error).__name__}", _as_code(remedy))


def _as_code(remedy: str) -> str:
    """A remedy in words becomes a comment, so that it can be pasted as well."""
    try:
        compile(remedy, "remedy", "exec")
    except SyntaxError:
        return f"# {remedy}"
    return remedy
