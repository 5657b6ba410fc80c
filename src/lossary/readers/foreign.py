"""Loss objects of other libraries, translated into lossary's; what cannot be translated is refused, never guessed.

`lossary.get` wants the same numbers, so that a setting without a counterpart is an error.  The doctor asks what fits
targets and outputs, for which scale, weights and reduction do not matter.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from .. import texts
from ..facts.spelling import fold
from ..objects import get
from ..objects.define import folded
from ..objects.loss import Loss

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
    axis = 1 if rank > 1 or y_true is None else -1
    return "sparse_categorical_crossentropy", {"from_logits": True, "ignore_class": loss.ignore_index, "axis": axis}


def _smooth_l1(loss: Any, y_true: Any) -> Spelling:
    """With beta 0 it is the absolute error."""
    return ("smooth_l1", {"beta": float(loss.beta)}) if loss.beta else ("mean_absolute_error", {})


# torch.nn losses whose meaning one of ours has, by class name.
_TORCH: dict[str, Callable[[Any, Any], Spelling]] = {
    "CrossEntropyLoss": _cross_entropy,
    "BCEWithLogitsLoss": lambda loss, y_true: ("binary_crossentropy", {"from_logits": True}),
    "BCELoss": lambda loss, y_true: ("binary_crossentropy", {}),
    "MSELoss": lambda loss, y_true: ("mean_squared_error", {}),
    "L1Loss": lambda loss, y_true: ("mean_absolute_error", {}),
    "HuberLoss": lambda loss, y_true: ("huber", {"delta": float(loss.delta)}),
    "SmoothL1Loss": _smooth_l1,
    "GaussianNLLLoss": lambda loss, y_true: ("gaussian_nll", {"full": bool(loss.full), "epsilon": float(loss.eps)}),
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
    "gaussian_nll_loss": "GaussianNLLLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "margin_ranking_loss": "MarginRankingLoss",
}
# optax's functions: the factor, the loss it multiplies, and the keywords that it has a parameter for.
_OPTAX: dict[str, tuple[float, Spelling, frozenset[str]]] = {
    "softmax_cross_entropy": (1.0, ("categorical_crossentropy", {"from_logits": True}), frozenset({"axis"})),
    "safe_softmax_cross_entropy": (1.0, ("categorical_crossentropy", {"from_logits": True}), frozenset()),
    "softmax_cross_entropy_with_integer_labels": (
        1.0,
        ("sparse_categorical_crossentropy", {"from_logits": True}),
        frozenset({"axis"}),
    ),
    "sigmoid_binary_cross_entropy": (1.0, ("binary_crossentropy", {"from_logits": True}), frozenset()),
    "squared_error": (1.0, ("mean_squared_error", {}), frozenset()),
    "l2_loss": (0.5, ("mean_squared_error", {}), frozenset()),
    "huber_loss": (1.0, ("huber", {}), frozenset({"delta"})),
    "log_cosh": (1.0, ("log_cosh", {}), frozenset()),
    "hinge_loss": (1.0, ("hinge", {}), frozenset()),
    "perceptron_loss": (1.0, ("perceptron", {}), frozenset()),
    "multiclass_hinge_loss": (1.0, ("multiclass_hinge", {}), frozenset()),
    "multiclass_perceptron_loss": (1.0, ("multiclass_perceptron", {}), frozenset()),
    "sigmoid_focal_loss": (1.0, ("binary_focal_crossentropy", {"from_logits": True}), frozenset({"gamma"})),
}
# scikit-learn's metrics take (y_true, y_pred); these are losses of ours.
_SKLEARN: dict[str, str] = {
    "mean_squared_error": "mean_squared_error",
    "mean_absolute_error": "mean_absolute_error",
    "mean_squared_log_error": "mean_squared_logarithmic_error",
    "hinge_loss": "hinge",
}

# Settings of PyTorch's losses that ours have no parameter for, and that say nothing about fitting.
_UNREAD = ("weight", "pos_weight")
# Losses whose value per data point is the mean over its elements, where PyTorch reduces elements at once.
_ELEMENTWISE = {
    "BCEWithLogitsLoss",
    "BCELoss",
    "MSELoss",
    "L1Loss",
    "HuberLoss",
    "SmoothL1Loss",
    "GaussianNLLLoss",
    "SoftMarginLoss",
    "HingeEmbeddingLoss",
}
# PyTorch adds this to every difference of a triplet, which ours need not: it is next to nothing.
_TRIPLET_EPS = 1e-6


def unread(loss: Any) -> list[str]:
    """Settings of another library's loss object that are not looked at."""
    loss = _functional(loss)
    if not _of_torch(loss):
        return []
    return [name for name in _UNREAD if getattr(loss, name, None) is not None]


def _of_torch(loss: Any) -> bool:
    return type(loss).__module__.startswith("torch.nn")


def _functional(loss: Any, settings: dict[str, Any] | None = None) -> Any:
    """The loss object that a function of ``torch.nn.functional`` or a wrapper stands for, or the loss itself.

    Binary cross-entropy and its like are built in C and know no module, so the function itself is looked for.
    """
    while (inner := _held(loss)) is not loss:
        loss = inner
    own = getattr(loss, "__name__", "")
    name = _FUNCTIONS.get(own) if isinstance(own, str) else None
    nn = getattr(sys.modules.get("torch"), "nn", None)
    if name is None or nn is None or getattr(nn.functional, own, None) is not loss:
        return loss
    return getattr(nn, name)(**(settings or {}))


def of_torch(loss: Any) -> Any:
    """The loss object of PyTorch that this is or stands for, or ours in its order; None for losses of others."""
    loss = _functional(loss)
    return loss if _of_torch(loss) or type(loss).__module__.startswith("lossary.adapters.torch_") else None


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


# --- for the doctor ---------------------------------------------------------------------------------------------------


def translated(loss: Any, y_true: Any = None) -> Any:
    """A loss of Keras, torch or optax as name and settings that `lossary.get` understands, anything else as it is."""
    loss = _functional(loss)
    if _is_module(loss) and isinstance(getattr(loss, "loss", None), Loss):  # One of ours, in PyTorch's order.
        return loss.loss
    if _of_torch(loss):
        if type(loss).__name__ not in _TORCH or getattr(loss, "delta", 1.0) <= 0:  # Which PyTorch itself refuses.
            return _turned(loss)
        name, settings = _TORCH[type(loss).__name__](loss, y_true)
        return {"class_name": name, "config": settings}
    found = _optax(loss)
    if found is not None:
        known, settings = found[1]
        return {"class_name": known, "config": settings}
    if _takes_prediction_first(loss, module=_is_module(loss)):
        return _turned(loss)
    return _as_keras(loss)


def _turned(loss: Any) -> Callable[[Any, Any], Any]:
    """PyTorch's ``(input, target)`` as ``(y_true, y_pred)``."""

    def function(y_true: Any, y_pred: Any) -> Any:
        return loss(y_pred, y_true)

    function.__name__ = getattr(loss, "__name__", type(loss).__name__)
    return function


def _optax(loss: Any) -> tuple[float, Spelling, frozenset[str]] | None:
    if str(getattr(loss, "__module__", "")).startswith("optax."):
        return _OPTAX.get(getattr(loss, "__name__", ""))
    return None


def _as_keras(loss: Any) -> Any:
    if type(loss).__module__.startswith("keras.") and hasattr(loss, "get_config"):
        return _keras(loss)
    name = getattr(loss, "__name__", "")
    if str(getattr(loss, "__module__", "")).startswith("keras.") and isinstance(name, str) and fold(name) in folded():
        # Keras's functions of regions take the whole batch for one.
        return {"class_name": name, "config": {"axis": None}} if name in ("dice", "tversky") else name
    return loss


def _keras(loss: Any) -> Any:
    if fold(type(loss).__name__) not in folded():
        return loss
    # Keras leaves the delta of Huber and some axes out of its configurations; the function is called with them.
    held = loss.get_config() | getattr(loss, "_fn_kwargs", {})
    settings = {k: v for k, v in held.items() if k in _settings_of(type(loss).__name__)}
    if type(loss).__name__ == "Tversky":  # Whose alpha weighs false negatives, whatever its docstring says.
        settings |= {"alpha": held["beta"], "beta": held["alpha"]}
    return {"class_name": type(loss).__name__, "config": settings}


def _settings_of(name: str) -> set[str]:
    """The parameters of the loss that is called so, and what every object has."""
    return {*get.get(name).parameters, "axis", "reduction"}


# --- for lossary.get --------------------------------------------------------------------------------------------------


def ours(loss: Any) -> Any:
    """As a name or configuration with the same values, or as it is where it takes ``(y_true, y_pred)`` itself.

    Raises:
        ParameterError: It takes the prediction first, or has a setting that nothing here stands for.
    """
    given = loss
    loss, settings = _unwrapped(loss)
    if inspect.isclass(loss) and loss.__module__.startswith(("torch.nn.", "keras.")):
        loss = loss()
    if settings is not None:
        loss = _functional(loss, settings)
    if _of_torch(loss) and type(loss).__name__ in _TORCH:
        return _torch(loss)
    found = _optax(loss)
    if found is not None and settings is not None:
        factor, (name, fixed), known = found
        if settings.keys() - known:
            raise texts.foreign_order(loss.__name__, f"(prediction, target) and {', '.join(settings.keys() - known)}")
        return _scaled(factor, name, {**fixed, **settings})
    home = str(getattr(loss, "__module__", "")) if not _of_torch(loss) else type(loss).__module__
    if home.startswith("sklearn.metrics.") and not settings and getattr(loss, "__name__", "") in _SKLEARN:
        return _SKLEARN[loss.__name__]
    if home.startswith(("torch.nn", "optax.")) or _takes_prediction_first(loss, module=_is_module(loss)):
        raise texts.foreign_order(getattr(loss, "__name__", type(loss).__name__), "(prediction, target)")
    known = loss if settings else _as_keras(loss)
    return given if known is loss else known


def _scaled(factor: float, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    config = {"class_name": name, "config": settings}
    if factor == 1.0:
        return config
    return {"class_name": "WeightedSum", "config": {"terms": [{"weight": factor, "loss": config}]}}


def _unwrapped(loss: Any) -> tuple[Any, dict[str, Any] | None]:
    """What ``functools.partial``, ``jax.jit``, ``torch.compile`` and the like hold, and the keywords that they add.

    None stands for settings that are not keywords.
    """
    settings: dict[str, Any] | None = {}
    while True:
        if isinstance(loss, functools.partial):
            settings = None if loss.args or settings is None else {**loss.keywords, **settings}
            loss = loss.func
        elif (inner := _held(loss)) is not loss:
            loss = inner
        elif _is_foreign(getattr(loss, "__wrapped__", None)) and not _is_foreign(loss):
            loss = loss.__wrapped__
        else:
            return loss, settings


def _held(loss: Any) -> Any:
    """What a wrapper hands its arguments to, in the order in which it got them, or the loss itself."""
    kind = type(loss).__name__
    if kind == "Guard" and type(loss).__module__ == "lossary.adapters.torch":
        return loss.loss
    if kind == "OptimizedModule" and hasattr(loss, "_orig_mod"):
        return loss._orig_mod
    if kind == "DataParallel" and _of_torch(loss):
        return loss.module
    if inspect.ismethod(loss) and loss.__name__ in ("forward", "__call__") and _of_torch(loss.__self__):
        return loss.__self__
    return loss


def _is_foreign(loss: Any) -> bool:
    return str(getattr(loss, "__module__", "")).startswith(("torch.nn", "optax."))


def _torch(loss: Any) -> dict[str, Any]:
    """A loss of ``torch.nn`` with everything that it does to its values."""
    kind = type(loss).__name__
    name, settings = _TORCH[kind](loss, None)
    made = _write(name, settings)
    for setting in _UNREAD:
        if getattr(loss, setting, None) is not None:
            raise texts.foreign_setting(kind, f"{setting}=", _WEIGHTED[kind, setting])
    if getattr(loss, "label_smoothing", 0.0):
        line = f"lossary.CategoricalCrossentropy(from_logits=True, label_smoothing={loss.label_smoothing})"
        raise texts.foreign_setting(kind, "label_smoothing=", f"{line}, with lossary.to_categorical(y_true, C)")
    if kind == "TripletMarginLoss" and loss.eps > _TRIPLET_EPS:
        raise texts.foreign_setting(kind, f"eps={loss.eps:g}", f"{made}(anchor, positive, negative)")
    if kind in _ELEMENTWISE and loss.reduction != "mean":
        change = "reshape(-1)" if loss.reduction == "sum" else "reshape(*y_true.shape, 1)"
        change = f"(y_true.{change}, y_pred.{change.replace('y_true', 'y_pred')})"
        if name == "gaussian_nll":
            change = "(y_true.reshape(-1), y_pred.reshape(-1, 2))"
            change = change if loss.reduction == "sum" else f"{change}.reshape(y_true.shape)"
        line = f"{_write(name, {**settings, 'reduction': loss.reduction})}{change}"
        raise texts.foreign_setting(kind, f"reduction={loss.reduction!r} over elements", line)
    return _scaled(1.0, name, {**settings, "reduction": loss.reduction})


def _write(name: str, settings: dict[str, Any]) -> str:
    return f"lossary.{get.get(name, **settings)!r}"


_WEIGHTED = {
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
    ("MultiMarginLoss", "weight"): "lossary.MultiMargin()(y_true, y_pred, sample_weight=weight[y_true])",
    ("CrossEntropyLoss", "weight"): (
        "lossary.SparseCategoricalCrossentropy(from_logits=True, reduction='mean_with_sample_weight')"
        "(y_true, y_pred, sample_weight=weight[y_true])"
    ),
}

_PREDICTIONS = {"input", "inputs", "pred", "preds", "prediction", "predictions", "y_pred", "ypred", "yhat", "y_hat"}
_PREDICTIONS |= {"output", "outputs", "logit", "logits", "score", "scores", "y_score"}
_PREDICTIONS |= {"predictor_outputs", "log_predictions"}
_TARGETS = {"target", "targets", "label", "labels", "y_true", "ytrue", "true", "truth", "y", "gt", "ground_truth"}


def _takes_prediction_first(loss: Any, *, module: bool = False) -> bool:
    """Whether the first two arguments of a callable are called as a prediction and a target are, in this order.

    A ``module`` of PyTorch's does so by convention, unless it calls its first argument a target.
    """
    try:
        names = [name.lower() for name in inspect.signature(getattr(loss, "forward", loss)).parameters][:2]
    except (TypeError, ValueError):
        return module
    if module:
        return not names or names[0] not in _TARGETS
    return len(names) == 2 and names[0] in _PREDICTIONS and names[1] in _TARGETS


def _is_module(loss: Any) -> bool:
    module = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", None)
    return module is not None and isinstance(loss, module)


get.read_others_with(ours)
