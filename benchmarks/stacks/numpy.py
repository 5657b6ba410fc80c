"""NumPy arrays: our kernels, scikit-learn's, and the limit that memory sets to both."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss import loss as sk

import lossary
from benchmarks.cases import Case
from benchmarks.stacks import Run
from lossary.kernels.cpu import threads

_PEERS = {
    "mean_squared_error": sk.HalfSquaredError,
    "mean_absolute_error": sk.AbsoluteError,
    "binary_crossentropy (logits)": sk.HalfBinomialLoss,
    "sparse_categorical_crossentropy (logits)": sk.HalfMultinomialLoss,
}


def settle() -> None:
    """Starts the framework."""
    np.ones(2).sum()


def contenders(case: Case, y_true: Any, y_pred: Any, compiled: bool) -> dict[str, Run]:
    """The limit, us and scikit-learn."""
    call = lossary.value_and_grad(case.loss())
    found: dict[str, Run] = {"stream": _stream(y_true, y_pred)}
    found["lossary numpy"] = lambda: float(call(y_true, y_pred)[0])
    if case.label in _PEERS:
        found["sklearn"] = _sklearn(_PEERS[case.label], y_true, y_pred)
    return found


def _sklearn(kind: Any, y_true: Any, y_pred: Any) -> Run:
    multiclass = kind is sk.HalfMultinomialLoss
    loss = kind(n_classes=y_pred.shape[1]) if multiclass else kind()
    y, p = (y_true, y_pred) if multiclass else (y_true.ravel(), y_pred.ravel())
    y = y.astype(p.dtype)
    half = 2.0 if kind is sk.HalfSquaredError else 1.0
    return lambda: half * float(loss.loss_gradient(y, p, n_threads=threads.count())[0].mean())


def _stream(y_true: Any, y_pred: Any) -> Run:
    """Every input read once and a gradient written, in pages that are there already."""
    p = y_pred.ravel()
    out = np.zeros_like(p)
    step = max(8192, p.size // (8 * threads.count()))
    tasks = range(0, p.size, step)
    labels = y_true.shape != y_pred.shape
    y = p if labels else y_true.ravel()

    def task(first: int) -> int:
        last = min(first + step, p.size)
        np.add(p[first:last], np.float32(1.0) if labels else y[first:last], out=out[first:last])
        return 0

    return lambda: float(threads.run(task, tasks))
