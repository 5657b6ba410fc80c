"""The finding for everything that the loss itself refuses to compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, LossError
from ..texts.shapes import shape_text
from .evidence import (
    HALF_TOLERANCE,
    Evidence,
    NotCheckedError,
    foreign_result,
    known,
    number,
    refusal,
    share,
    unreadable,
)
from .rules import Seen, rule

CODE = "LS001"


@rule(
    "LS002",
    "shapes that PyTorch broadcasts",
    bad="diagnose(torch.nn.MSELoss(), reals[:, 0], reals + noise)",
    clean="diagnose(torch.nn.MSELoss(), reals, reals + noise)",
)
def broadcast(e: Evidence) -> Seen | None:
    """``(N,)`` against ``(N, 1)`` in PyTorch's own losses, which compare all with all."""
    assert e.raw_true is not None
    assert e.raw_pred is not None
    true, pred = e.raw_true.shape, e.raw_pred.shape
    try:
        together = np.broadcast_shapes(true, pred)
    except ValueError:
        return None
    if e.habit != "broadcasts" or true == pred:
        return None
    same = e.raw_true.size == e.raw_pred.size
    return Seen(
        f"y_true has shape {shape_text(true)} and y_pred {shape_text(pred)}; PyTorch broadcasts both to "
        f"{shape_text(together)} and compares targets with predictions of other data points, so the model learns "
        "little more than the mean of the targets",
        "y_true = y_true.reshape(y_pred.shape)" if same else "# y_true and y_pred need the same shape",
    )


@rule(
    "LS003",
    "outputs that are no logarithms of probabilities",
    bad="diagnose(torch.nn.NLLLoss(), labels, scores)",
    clean="diagnose(torch.nn.NLLLoss(), labels, np.log(softmax(scores)))",
)
def logarithms(e: Evidence) -> Seen | None:
    """Scores or probabilities for PyTorch's losses that read logarithms, and compute a number from anything."""
    assert e.raw_pred is not None
    if e.habit != "reads logarithms":
        return None
    classes = -1 if e.name == "KLDivLoss" else 1
    totals = np.exp(np.atleast_2d(e.raw_pred.astype(np.float64))).sum(classes)
    off = np.abs(totals - 1.0) > HALF_TOLERANCE
    if not off.any():
        return None
    return Seen(
        f"{e.name} reads logarithms of probabilities, whose exponentials sum to 1 in every row; here "
        f"{share(off.sum(), off.size)} rows do not, the first of them sums to {number(totals[off][0])}. The loss has "
        "no floor then, and falls without the model becoming better",
        "y_pred = torch.log_softmax(scores, dim=1)   # of raw scores, without a softmax before it"
        + ("\nloss = torch.nn.CrossEntropyLoss()        # or this, on raw scores" if e.name == "NLLLoss" else ""),
        better=known("sparse_categorical_crossentropy" if e.name == "NLLLoss" else "kl_divergence"),
    )


@rule(
    CODE,
    "inputs that the loss refuses",
    needs="",
    bad="diagnose('mean_squared_error', reals, np.ones((200, 3)))",
    clean="diagnose('mean_squared_error', reals, reals + noise)",
)
def refused(e: Evidence) -> Seen | None:
    """Shapes that do not fit, strings, two frameworks in one call; said by the loss's own checks."""
    reads_targets = e.has_given or not e.has_own_arguments
    if e.given_true is None and reads_targets:
        return None
    if e.given_pred is None:
        error: Exception | None = unreadable(e) if reads_targets else None
    else:
        error = refusal(e)
    if error is None:
        return _in_torch(e)
    if not isinstance(error, LossError):
        own = _in_torch(e)
        if own is not None:
            return own
        if isinstance(error, TypeError) and "argument" in str(error):
            raise NotCheckedError(f"{e.name} wants other arguments than y_true and y_pred ({error})")
        message = f"the function {e.name!r} fails on these arrays with {type(error).__name__}: {error}"
        return Seen(message, f"{e.name}(y_true[:2], y_pred[:2])   # call it by itself to see where")
    other = foreign_result(e) if isinstance(error, DTypeError) else None
    if other is not None:
        raise NotCheckedError(f"{e.name} computes with {other}; pass y_true and y_pred as arrays of {other}")
    fact, _, remedy = str(error).rpartition(". " if ". " in str(error) else ": ")
    return Seen(f"{fact or remedy}. The call raises {type(error).__name__}", _as_code(remedy))


def _in_torch(e: Evidence) -> Seen | None:
    """What PyTorch's own loss refuses, or makes NaN of, though ours would not."""
    if e.torch_loss is None or e.raw_true is None or e.raw_pred is None:
        return None
    from ..readers.torch_trial import trouble

    found = trouble(e.torch_loss, *(_as_given(x) for x in ((e.given_true, e.raw_true), (e.given_pred, e.raw_pred))))
    if found is None:
        return None
    name, ignored = type(e.torch_loss).__name__, getattr(e.torch_loss, "ignore_index", None)
    shapes = f"y_true of shape {shape_text(e.raw_true.shape)} ({e.raw_true.dtype}) and y_pred of shape "
    shapes += shape_text(e.raw_pred.shape)
    if ignored is not None and bool((e.raw_true == ignored).all()):
        return Seen(
            f"{name} {found.what}: every label is ignore_index={ignored}, and the mean of no label is 0/0",
            f"if (y_true != {ignored}).any(): loss(y_pred, y_true).backward()",
        )
    return Seen(
        f"with {shapes} {name} {found.what}",
        found.line or "loss(y_pred[:2], y_true[:2])   # call it by itself to see where",
    )


def _as_given(pair: tuple[Any, Any]) -> Any:
    given, seen = pair
    return given if type(given).__module__.startswith("torch") else seen


def _as_code(remedy: str) -> str:
    """A remedy in words becomes a comment, so that it can be pasted as well."""
    try:
        compile(remedy, "remedy", "exec")
    except SyntaxError:
        return f"# {remedy}"
    return remedy
