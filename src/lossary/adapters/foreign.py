"""Loss objects of other libraries, translated into lossary's, so that the doctor can read their settings."""

from __future__ import annotations

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
    "SmoothL1Loss": lambda loss, y_true: ("huber", {"delta": float(loss.beta)}),
}


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
    return _HABITS.get(type(loss).__name__, "") if type(loss).__module__.startswith("torch.nn") else ""


def translated(loss: Any, y_true: Any = None) -> Any:
    """A Keras or torch loss object as name and settings that `lossary.get` understands, anything else as it is."""
    module = type(loss).__module__
    if module.startswith("torch.nn"):
        if type(loss).__name__ not in _TORCH:
            return _turned(loss)
        name, settings = _TORCH[type(loss).__name__](loss, y_true)
        return {"class_name": name, "config": settings}
    if module.startswith("keras.") and hasattr(loss, "get_config"):
        return _keras(loss)
    name = getattr(loss, "__name__", "")
    if getattr(loss, "__module__", "").startswith("keras.") and fold(name) in folded():
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
