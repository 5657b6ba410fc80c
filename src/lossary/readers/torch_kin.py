"""Losses of PyTorch: what ours mean the same, and what their functions, wrappers and methods stand for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

Spelling = tuple[str, dict[str, Any]]


def _cross_entropy(loss: Any, y_true: Any) -> Spelling:
    """Floating targets are rows of probabilities, integers are labels.

    PyTorch's classes lie along axis 1, however many axes follow.
    """
    rank = len(getattr(y_true, "shape", ()))
    if "float" in str(getattr(y_true, "dtype", "")):
        axis = 1 if rank > 2 else -1
        smoothing = float(loss.label_smoothing)
        return "categorical_crossentropy", {"from_logits": True, "label_smoothing": smoothing, "axis": axis}
    axis = 1 if rank > 1 or y_true is None else -1
    return "sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": loss.ignore_index, "axis": axis}


def _smooth_l1(loss: Any, y_true: Any) -> Spelling:
    """With beta 0 it is the absolute error."""
    return ("smooth_l1", {"beta": float(loss.beta)}) if loss.beta else ("mean_absolute_error", {})


def _poisson(loss: Any, y_true: Any) -> Spelling:
    return "poisson", {"from_logs": True} if loss.log_input else {"epsilon": float(loss.eps)}


# torch.nn losses whose meaning one of ours has, by class name.
SPELLINGS: dict[str, Callable[[Any, Any], Spelling]] = {
    "CrossEntropyLoss": _cross_entropy,
    "BCEWithLogitsLoss": lambda loss, y_true: ("binary_crossentropy", {"from_logits": True}),
    "BCELoss": lambda loss, y_true: ("binary_crossentropy", {}),
    "MSELoss": lambda loss, y_true: ("mean_squared_error", {}),
    "L1Loss": lambda loss, y_true: ("mean_absolute_error", {}),
    "HuberLoss": lambda loss, y_true: ("huber", {"delta": float(loss.delta)}),
    "SmoothL1Loss": _smooth_l1,
    "GaussianNLLLoss": lambda loss, y_true: ("gaussian_nll", {"full": bool(loss.full), "epsilon": float(loss.eps)}),
    "PoissonNLLLoss": _poisson,
    "SoftMarginLoss": lambda loss, y_true: ("soft_margin", {}),
    "MultiLabelSoftMarginLoss": lambda loss, y_true: ("binary_crossentropy", {"from_logits": True}),
    "MultiMarginLoss": lambda loss, y_true: (
        "multi_margin",
        {"power": float(loss.p), "margin": float(loss.margin)},
    ),
    "CosineEmbeddingLoss": lambda loss, y_true: ("cosine_embedding", {"margin": float(loss.margin)}),
    "HingeEmbeddingLoss": lambda loss, y_true: ("hinge_embedding", {"margin": float(loss.margin)}),
    "MarginRankingLoss": lambda loss, y_true: ("margin_ranking", {"margin": float(loss.margin)}),
    "TripletMarginLoss": lambda loss, y_true: (
        "triplet_margin",
        {"margin": float(loss.margin), "norm": float(loss.p), "swap": bool(loss.swap)},
    ),
}


# Functions of torch.nn.functional, and of torch itself, by the class that is called the same.
_FUNCTIONS = {
    "cross_entropy": "CrossEntropyLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "huber_loss": "HuberLoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "nll_loss": "NLLLoss",
    "kl_div": "KLDivLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "margin_ranking_loss": "MarginRankingLoss",
}
# What functions that are built in call the reductions.
_NUMBERED = {0: "none", 1: "mean", 2: "sum"}
# Settings of PyTorch's losses that say nothing about fitting.
UNREAD = ("weight", "pos_weight")
# Those of a number per class or output that ours have a parameter for.
PARAMETERS = {
    ("BCEWithLogitsLoss", "pos_weight"): "pos_weight",
    ("CrossEntropyLoss", "weight"): "class_weight",
    ("MultiMarginLoss", "weight"): "class_weight",
}
# Losses whose value per data point is the mean over its elements, where PyTorch reduces elements at once.
ELEMENTWISE = {
    "BCEWithLogitsLoss",
    "BCELoss",
    "MSELoss",
    "L1Loss",
    "HuberLoss",
    "SmoothL1Loss",
    "GaussianNLLLoss",
    "PoissonNLLLoss",
    "SoftMarginLoss",
    "HingeEmbeddingLoss",
}
# PyTorch adds this to every difference of a triplet, which ours need not: it is next to nothing.
TRIPLET_EPS = 1e-6


# What PyTorch's losses do that ours do not, by class name.
HABITS = {
    "MSELoss": "broadcasts",
    "L1Loss": "broadcasts",
    "HuberLoss": "broadcasts",
    "SmoothL1Loss": "broadcasts",
    "NLLLoss": "reads logarithms",
    "KLDivLoss": "reads logarithms",
}

WEIGHTED = {
    ("BCELoss", "weight"): "lossary.BinaryCrossentropy()(y_true, y_pred, sample_weight=weight)",
    ("BCEWithLogitsLoss", "weight"): (
        "lossary.BinaryCrossentropy(from_logits=True)(y_true, y_pred, sample_weight=weight)"
    ),
    ("BCEWithLogitsLoss", "pos_weight"): (
        "lossary.BinaryCrossentropy(from_logits=True)(y_true, y_pred, sample_weight=1 + (pos_weight - 1) * y_true)"
    ),
    ("MultiLabelSoftMarginLoss", "weight"): (
        "lossary.BinaryCrossentropy(from_logits=True)(y_true, y_pred, sample_weight=weight)"
    ),
}


def is_torch(loss: Any) -> bool:
    """Whether it is an object of a class of ``torch.nn``."""
    return type(loss).__module__.startswith("torch.nn")


def functional(loss: Any, settings: dict[str, Any] | None = None) -> Any:
    """The loss object that a function of ``torch.nn.functional`` or a wrapper stands for, or the loss itself."""
    while (inner := held(loss)) is not loss:
        loss = inner
    own = str(getattr(loss, "__name__", "")).partition(".")[0]
    nn = getattr(sys.modules.get("torch"), "nn", None)
    if own not in _FUNCTIONS or nn is None or not (getattr(nn.functional, own, None) is loss or is_built_in(loss)):
        return loss
    settings = dict(settings or {})
    if "reduction" in settings:
        settings["reduction"] = _NUMBERED.get(settings["reduction"], settings["reduction"])
    return getattr(nn, _FUNCTIONS[own])(**settings)


def is_built_in(loss: Any) -> bool:
    """Whether it is what PyTorch's functions of losses call in C++, which takes their arguments in their order."""
    home, own = str(getattr(loss, "__module__", "")), str(getattr(loss, "__name__", ""))
    if home not in ("torch", "torch._C._nn") and not home.startswith("torch._ops."):
        return False
    return any(word in own for word in ("loss", "kl_div", "cross_entropy"))


def held(loss: Any) -> Any:
    """What a wrapper hands its arguments to, in the order in which it got them, or the loss itself."""
    kind = type(loss).__name__
    if kind == "Guard" and type(loss).__module__ == "lossary.adapters.torch":
        return loss.loss
    if kind == "OptimizedModule" and hasattr(loss, "_orig_mod"):
        return loss._orig_mod
    if kind == "DataParallel" and is_torch(loss):
        return loss.module
    if inspect.ismethod(loss) and loss.__name__ in ("forward", "__call__") and is_torch(loss.__self__):
        return loss.__self__
    return loss
