"""PyTorch tensors: we, its own functions, the best plain expression compiled, and Keras on PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
import torch.nn.functional as F  # noqa: N812

from benchmarks.cases import Case
from benchmarks.stacks import Run

Function = Callable[[Any, Any], Any]


def _mape(y: Any, p: Any) -> Any:
    return 100 * ((p - y) / y.abs().clamp_min(1e-7)).abs().mean()


def _log_cosh(y: Any, p: Any) -> Any:
    d = p - y
    return (d + F.softplus(-2.0 * d) - 0.6931471805599453).mean()


def _hinge(y: Any, p: Any) -> Any:
    return (1 - y * p).clamp_min(0).mean()


def _squared_hinge(y: Any, p: Any) -> Any:
    return ((1 - y * p).clamp_min(0) ** 2).mean()


def _categorical_hinge(y: Any, p: Any) -> Any:
    return (((1 - y) * p).amax(-1) - (y * p).sum(-1) + 1).clamp_min(0).mean()


def _cce(y: Any, p: Any) -> Any:
    return -(y * p.log()).sum(-1).mean()


def _cce_logits(y: Any, p: Any) -> Any:
    return -(y * torch.log_softmax(p, -1)).sum(-1).mean()


def _scce(y: Any, p: Any) -> Any:
    return F.nll_loss(p.log(), y)


def _scce_logits(y: Any, p: Any) -> Any:
    return F.cross_entropy(p, y)


# As a user of PyTorch writes it eagerly, with one call of the library where there is one.
_EAGER: dict[str, Function] = {
    "mean_squared_error": lambda y, p: F.mse_loss(p, y),
    "mean_absolute_error": lambda y, p: F.l1_loss(p, y),
    "mean_absolute_percentage_error": _mape,
    "mean_squared_logarithmic_error": lambda y, p: F.mse_loss(torch.log1p(p), torch.log1p(y)),
    "huber": lambda y, p: F.huber_loss(p, y),
    "log_cosh": _log_cosh,
    "hinge": _hinge,
    "squared_hinge": _squared_hinge,
    "poisson": lambda y, p: F.poisson_nll_loss(p, y, log_input=False, eps=1e-7),
    "binary_crossentropy": lambda y, p: F.binary_cross_entropy(p, y),
    "binary_crossentropy (logits)": lambda y, p: F.binary_cross_entropy_with_logits(p, y),
    "kl_divergence": lambda y, p: F.kl_div(p.log(), y, reduction="batchmean"),
    "cosine_similarity": lambda y, p: -F.cosine_similarity(p, y).mean(),
    "categorical_hinge": _categorical_hinge,
    "categorical_crossentropy": _cce,
    "categorical_crossentropy (logits)": lambda y, p: F.cross_entropy(p, y),
    "sparse_categorical_crossentropy": _scce,
    "sparse_categorical_crossentropy (logits)": _scce_logits,
}
# What compiles to the fastest loop: one expression, nothing that is only there to be safe.
_COMPILED: dict[str, Function] = _EAGER | {
    "mean_squared_error": lambda y, p: ((p - y) ** 2).mean(),
    "mean_absolute_error": lambda y, p: (p - y).abs().mean(),
    "mean_squared_logarithmic_error": lambda y, p: ((torch.log1p(p) - torch.log1p(y)) ** 2).mean(),
    "poisson": lambda y, p: (p - y * torch.log(p + 1e-7)).mean(),
    "binary_crossentropy": lambda y, p: -(y * torch.log(p) + (1 - y) * torch.log1p(-p)).mean(),
    "binary_crossentropy (logits)": lambda y, p: (p.clamp_min(0) - p * y + torch.log1p(torch.exp(-p.abs()))).mean(),
    "kl_divergence": lambda y, p: (torch.xlogy(y, y) - y * torch.log(p)).sum(-1).mean(),
    "cosine_similarity": lambda y, p: -(F.normalize(p, dim=-1) * F.normalize(y, dim=-1)).sum(-1).mean(),
    "categorical_crossentropy (logits)": _cce_logits,
}


def settle() -> None:
    """Starts the framework."""
    x = torch.ones(300, 300).requires_grad_()
    (x @ x).sum().backward()


def contenders(case: Case, y_true: Any, y_pred: Any, compiled: bool) -> dict[str, Run]:
    """Us and everyone in PyTorch; with ``compiled`` torch.compile too, which takes seconds to get ready."""
    y, p = torch.from_numpy(y_true), torch.from_numpy(y_pred.copy()).requires_grad_()
    found = {"lossary torch": _run(case.loss(), y, p), "torch": _run(_EAGER[case.label], y, p)}
    if compiled:
        ours, plain = _compiled(case)
        found |= {"lossary torch.compile": _run(ours, y, p), "torch.compile": _run(plain, y, p)}
    function = getattr(keras.losses, case.name)
    found["keras torch"] = _run(lambda y, p: function(y, p, **case.parameters).mean(), y, p)
    return found


@cache
def _compiled(case: Case) -> tuple[Function, Function]:
    """Compiled once for all shapes: one per shape would take minutes."""
    return torch.compile(case.loss(), dynamic=True), torch.compile(_COMPILED[case.label], dynamic=True)


def _run(function: Function, y: Any, p: Any) -> Run:
    def run() -> float:
        value = function(y, p)
        value.backward()
        p.grad = None
        return float(value.detach())

    return run
