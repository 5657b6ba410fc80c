"""Loss objects of other libraries, translated into lossary's, so that the doctor can read their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._loss import folded
from .._record import fold

Spelling = tuple[str, dict[str, Any]]


def _cross_entropy(loss: Any) -> Spelling:
    smoothing = float(loss.label_smoothing)
    if smoothing:
        return "categorical_crossentropy", {"from_logits": True, "label_smoothing": smoothing}
    ignored = None if loss.ignore_index == -100 else loss.ignore_index
    return "sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": ignored}


# torch.nn losses whose meaning one of ours has, by class name.
_TORCH: dict[str, Callable[[Any], Spelling]] = {
    "CrossEntropyLoss": _cross_entropy,
    "BCEWithLogitsLoss": lambda loss: ("binary_crossentropy", {"from_logits": True}),
    "BCELoss": lambda loss: ("binary_crossentropy", {}),
    "MSELoss": lambda loss: ("mean_squared_error", {}),
    "L1Loss": lambda loss: ("mean_absolute_error", {}),
    "HuberLoss": lambda loss: ("huber", {"delta": float(loss.delta)}),
    "SmoothL1Loss": lambda loss: ("huber", {"delta": float(loss.beta)}),
}


def translated(loss: Any) -> Any:
    """What `lossary.get` understands: a Keras or torch loss object as name and settings, anything else as it is."""
    module = type(loss).__module__
    if module.startswith("torch.nn") and type(loss).__name__ in _TORCH:
        name, settings = _TORCH[type(loss).__name__](loss)
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
