"""Loss objects of other libraries, translated into lossary's, so that the doctor can read their settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .._loss import folded
from .._record import fold

Spelling = tuple[str, dict[str, Any]]


def _cross_entropy(loss: Any, y_true: Any) -> Spelling:
    """Floating targets are rows of probabilities, integers are labels; the smoothing of labels is not translated.

    PyTorch's classes lie along axis 1, however many axes follow.
    """
    rank = len(getattr(y_true, "shape", ()))
    if "float" in str(getattr(y_true, "dtype", "")):
        axis = 1 if rank > 2 else -1
        smoothing = float(loss.label_smoothing)
        return "categorical_crossentropy", {"from_logits": True, "label_smoothing": smoothing, "axis": axis}
    axis = 1 if rank > 1 else -1
    return "sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": loss.ignore_index, "axis": axis}


# torch.nn losses whose meaning one of ours has, by class name.
_TORCH: dict[str, Callable[[Any, Any], Spelling]] = {
    "CrossEntropyLoss": _cross_entropy,
    "BCEWithLogitsLoss": lambda loss, y_true: ("binary_crossentropy", {"from_logits": True}),
    "BCELoss": lambda loss, y_true: ("binary_crossentropy", {}),
    "MSELoss": lambda loss, y_true: ("mean_squared_error", {}),
    "L1Loss": lambda loss, y_true: ("mean_absolute_error", {}),
    "HuberLoss": lambda loss, y_true: ("huber", {"delta": float(loss.delta)}),
    "SmoothL1Loss": lambda loss, y_true: (
        ("huber", {"delta": float(loss.beta)}) if loss.beta else ("mean_absolute_error", {})
    ),
}


# Functions of torch.nn.functional by the class that is called the same.
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
}
_OPTAX: dict[str, Spelling] = {
    "softmax_cross_entropy": ("categorical_crossentropy", {"from_logits": True}),
    "safe_softmax_cross_entropy": ("categorical_crossentropy", {"from_logits": True}),
    "softmax_cross_entropy_with_integer_labels": ("sparse_categorical_crossentropy", {"from_logits": True}),
    "sigmoid_binary_cross_entropy": ("binary_crossentropy", {"from_logits": True}),
    "squared_error": ("mean_squared_error", {}),
    "l2_loss": ("mean_squared_error", {}),
    "huber_loss": ("huber", {}),
    "log_cosh": ("log_cosh", {}),
    "hinge_loss": ("hinge", {}),
}

# Settings of PyTorch's losses that ours have no parameter for, and that say nothing about fitting.
_UNREAD = ("weight", "pos_weight")


def unread(loss: Any) -> list[str]:
    """Settings of another library's loss object that are not looked at."""
    if not _of_torch(loss):
        return []
    return [name for name in _UNREAD if getattr(loss, name, None) is not None]


def _of_torch(loss: Any) -> bool:
    return type(loss).__module__.startswith("torch.nn")


def _functional(loss: Any) -> Any:
    """The loss object that a function of ``torch.nn.functional`` stands for, or the loss itself.

    Binary cross-entropy and its like are built in C and know no module, so the function itself is looked for.
    """
    name = _FUNCTIONS.get(getattr(loss, "__name__", ""))
    nn = getattr(sys.modules.get("torch"), "nn", None)
    if name is None or nn is None or getattr(nn.functional, loss.__name__, None) is not loss:
        return loss
    return getattr(nn, name)()


def of_torch(loss: Any) -> Any:
    """The loss object of PyTorch that this is or stands for; None for losses of others."""
    loss = _functional(loss)
    return loss if _of_torch(loss) else None


# What PyTorch's losses do that ours do not, by class name.
_HABITS = {
    "MSELoss": "broadcasts",
    "L1Loss": "broadcasts",
    "HuberLoss": "broadcasts",
    "SmoothL1Loss": "broadcasts",
    "NLLLoss": "reads logarithms",
    "KLDivLoss": "reads logarithms",
}


def habit(loss: Any) -> str:
    """``"broadcasts"`` shapes that differ, ``"reads logarithms"`` of probabilities as predictions, or nothing."""
    loss = _functional(loss)
    return _HABITS.get(type(loss).__name__, "") if _of_torch(loss) else ""


def translated(loss: Any, y_true: Any = None) -> Any:
    """A loss of Keras, torch or optax as name and settings that `lossary.get` understands, anything else as it is."""
    loss = _functional(loss)
    module = type(loss).__module__
    if _of_torch(loss):
        if type(loss).__name__ not in _TORCH or getattr(loss, "delta", 1.0) <= 0:  # Which PyTorch itself refuses.
            return _turned(loss)
        name, settings = _TORCH[type(loss).__name__](loss, y_true)
        return {"class_name": name, "config": settings}
    if module.startswith("keras.") and hasattr(loss, "get_config"):
        return _keras(loss)
    name = getattr(loss, "__name__", "")
    if str(getattr(loss, "__module__", "")).startswith("optax.") and name in _OPTAX:
        known, settings = _OPTAX[name]
        return {"class_name": known, "config": settings}
    if str(getattr(loss, "__module__", "")).startswith("keras.") and fold(name) in folded():
        return name
    return loss


def _turned(loss: Any) -> Callable[[Any, Any], Any]:
    """PyTorch's ``(input, target)`` as ``(y_true, y_pred)``."""

    def function(y_true: Any, y_pred: Any) -> Any:
        return loss(y_pred, y_true)

    function.__name__ = type(loss).__name__
    return function


def _keras(loss: Any) -> Any:
    if fold(type(loss).__name__) not in folded():
        return loss
    kept = ("from_logits", "label_smoothing", "axis", "delta", "ignore_class", "reduction")
    settings = {k: v for k, v in loss.get_config().items() if k in kept}
    return {"class_name": type(loss).__name__, "config": settings}
