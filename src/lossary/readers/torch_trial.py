"""One run of a loss of PyTorch on the data it is to train on, for what only PyTorch itself can tell."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Trouble(NamedTuple):
    """What the loss does, and the line that mends it, or an empty text."""

    what: str
    line: str


def _whole(true: Tensor) -> Tensor:
    if not torch.equal(true.long().to(true.dtype), true):
        raise ValueError("the labels are no whole numbers")
    return true.long()


# Lines to try, with y_true as a tensor in the place of the braces.
_LINES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "{}.long()": lambda true, pred: _whole(true),
    "{}.squeeze(1)": lambda true, pred: true.squeeze(1),
    "{}.squeeze(1).long()": lambda true, pred: _whole(true).squeeze(1),
    "{}.to(y_pred.dtype)": lambda true, pred: true.to(pred.dtype),
    "{}.reshape(y_pred.shape)": lambda true, pred: true.reshape(pred.shape),
    "{}.reshape(y_pred.shape).to(y_pred.dtype)": lambda true, pred: true.reshape(pred.shape).to(pred.dtype),
}


def trouble(loss: Any, y_true: Any, y_pred: Any) -> Trouble | None:
    """What is wrong when the loss and its gradient are computed once; None where nothing is."""
    try:
        pred = torch.as_tensor(y_pred).detach()
        true = torch.as_tensor(y_true, device=pred.device).detach()
    except (TypeError, ValueError, RuntimeError):
        return None
    if isinstance(y_true, np.ndarray) and true.is_floating_point():
        true = true.to(pred.dtype)  # Whoever makes tensors of NumPy's float64 makes them float32.
    what = _wrong(loss, pred, true, strict=False)
    if not what:
        return None
    given = "y_true" if isinstance(y_true, Tensor) else "torch.as_tensor(y_true)"
    for line, change in _LINES.items():
        try:
            changed = change(true, pred)
        except (IndexError, RuntimeError, ValueError):
            continue
        if not _wrong(loss, pred, changed, strict=True):
            return Trouble(what, f"y_true = {line.format(given)}")
    return Trouble(what, "")


def _wrong(loss: Any, pred: Tensor, true: Tensor, *, strict: bool) -> str:
    # What PyTorch warns of, shapes that it broadcasts, is told by another finding, and mends nothing.
    leaf = pred.clone().requires_grad_(pred.is_floating_point())
    try:
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("error" if strict else "ignore")
            value = loss(leaf, true)
            if value.requires_grad:
                value.sum().backward()
    except TypeError as error:
        return "" if "argument" in str(error) else f"raises TypeError: {error}"  # It wants more than two tensors.
    except Exception as error:  # Whatever PyTorch raises is the finding.
        first = str(error).strip().partition("\n")[0]
        return f"raises {type(error).__name__}: {first}"
    return "gives NaN" if bool(torch.isnan(value).any()) else ""
