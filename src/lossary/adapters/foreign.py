"""Loss objects of other libraries, translated into lossary's, so that the doctor can read their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._loss import folded
from .._record import fold

Spelling = tuple[str, dict[str, Any]]


def _cross_entropy(loss: Any, y_true: Any) -> Spelling:
    """Floating targets are rows of probabilities, integers are labels; the smoothing of labels is not translated."""
    if "float" in str(getattr(y_true, "dtype", "")):
        return "categorical_crossentropy", {"from_logits": True, "label_smoothing": float(loss.label_smoothing)}
    return "sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": loss.ignore_index}


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


def translated(loss: Any, y_true: Any = None) -> Any:
    """A Keras or torch loss object as name and settings that `lossary.get` understands, anything else as it is."""
    module = type(loss).__module__
    if module.startswith("torch.nn") and type(loss).__name__ in _TORCH:
        name, settings = _TORCH[type(loss).__name__](loss, y_true)
        return {"class_name": name, "config": settings}
    if module.startswith("keras.") and hasattr(loss, "get_config"):
        return _keras(loss)
    name = getattr(loss, "__name__", "")
    if getattr(loss, "__module__", "").startswith("keras.") and fold(name) in folded():
        return name
    return loss


def _keras(loss: Any) -> Any:
    if fold(type(loss).__name__) not in folded():
        return loss
    kept = ("from_logits", "label_smoothing", "axis", "delta", "ignore_class", "reduction")
    settings = {k: v for k, v in loss.get_config().items() if k in kept}
    return {"class_name": type(loss).__name__, "config": settings}
