"""What PyTorch's users write without us: its own functions, and the best plain expressions for torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

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
EAGER: dict[str, Function] = {
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
COMPILED: dict[str, Function] = EAGER | {
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
