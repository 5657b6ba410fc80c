"""PyTorch tensors: we, its own functions, the best plain expression compiled, and Keras on PyTorch."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch

from benchmarks.cases import Case
from benchmarks.expressions import COMPILED, EAGER, Function
from benchmarks.stacks import Run

# Each of our losses is compiled through the same lines of PyTorch's, which by themselves it compiles eight times only.
torch._dynamo.config.recompile_limit = 64


def settle() -> None:
    """Starts the framework."""
    x = torch.ones(300, 300).requires_grad_()
    (x @ x).sum().backward()


def contenders(case: Case, y_true: Any, y_pred: Any, compiled: bool) -> dict[str, Run]:
    """Us and everyone in PyTorch; with ``compiled`` torch.compile too, which takes seconds to get ready."""
    y, p = torch.from_numpy(y_true), torch.from_numpy(y_pred.copy()).requires_grad_()
    found = {"lossary torch": _run(case.loss(), y, p), "torch": _run(EAGER[case.label], y, p)}
    if compiled:
        ours, plain = _compiled(case)
        found |= {"lossary torch.compile": _run(ours, y, p), "torch.compile": _run(plain, y, p)}
    function = getattr(keras.losses, case.name)
    found["keras torch"] = _run(lambda y, p: function(y, p, **case.parameters).mean(), y, p)
    return found


@cache
def _compiled(case: Case) -> tuple[Function, Function]:
    """Compiled once for all shapes: one per shape would take minutes."""
    return torch.compile(case.loss(), dynamic=True), torch.compile(COMPILED[case.label], dynamic=True)


def _run(function: Function, y: Any, p: Any) -> Run:
    def run() -> float:
        value = function(y, p)
        value.backward()
        p.grad = None
        return float(value.detach())

    return run
