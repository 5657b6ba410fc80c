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
from . import torch_kin

# optax's functions: the factor, the loss it multiplies, and the keywords that it has a parameter for.
_OPTAX: dict[str, tuple[float, torch_kin.Spelling, frozenset[str]]] = {
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


def unread(loss: Any) -> list[str]:
    """Settings of another library's loss object that are not looked at."""
    loss = torch_kin.functional(loss)
    if not torch_kin.is_torch(loss):
        return []
    return [name for name in torch_kin.UNREAD if getattr(loss, name, None) is not None]


def of_torch(loss: Any) -> Any:
    """The loss object of PyTorch that this is or stands for, or ours in its order; None for losses of others."""
    loss = torch_kin.functional(loss)
    return loss if torch_kin.is_torch(loss) or type(loss).__module__.startswith("lossary.adapters.torch_") else None


def habit(loss: Any) -> str:
    """``"broadcasts"`` shapes that differ, ``"reads logarithms"`` of probabilities as predictions, or nothing."""
    loss = torch_kin.functional(loss)
    return torch_kin.HABITS.get(type(loss).__name__, "") if torch_kin.is_torch(loss) else ""


# --- for the doctor ---------------------------------------------------------------------------------------------------


def translated(loss: Any, y_true: Any = None) -> Any:
    """A loss of Keras, torch or optax as name and settings that `lossary.get` understands, anything else as it is."""
    loss = torch_kin.functional(loss)
    if _is_module(loss) and isinstance(getattr(loss, "loss", None), Loss):  # One of ours, in PyTorch's order.
        return loss.loss
    if torch_kin.is_torch(loss):
        refused = getattr(loss, "delta", 1.0) <= 0  # By PyTorch itself.
        if refused or type(loss).__name__ not in torch_kin.SPELLINGS:
            return _turned(loss)
        name, settings = torch_kin.SPELLINGS[type(loss).__name__](loss, y_true)
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


def _optax(loss: Any) -> tuple[float, torch_kin.Spelling, frozenset[str]] | None:
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
    if type(loss).__name__ == "Tversky" and _swaps_tversky():
        settings |= {"alpha": held["beta"], "beta": held["alpha"]}
    return {"class_name": type(loss).__name__, "config": settings}


def _swaps_tversky() -> bool:
    """Whether the alpha of Keras's Tversky weighs false negatives, as up to 3.15 whatever its docstring said."""
    major, minor = sys.modules["keras"].__version__.split(".")[:2]
    return (int(major), int(minor)) < (3, 16)


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
        loss = torch_kin.functional(loss, settings)
    if torch_kin.is_torch(loss) and type(loss).__name__ in torch_kin.SPELLINGS:
        return _torch(loss)
    found = _optax(loss)
    if found is not None and settings is not None:
        factor, (name, fixed), known = found
        if settings.keys() - known:
            raise texts.foreign_order(loss.__name__, f"(prediction, target) and {', '.join(settings.keys() - known)}")
        return _scaled(factor, name, {**fixed, **settings})
    home = str(getattr(loss, "__module__", "")) if not torch_kin.is_torch(loss) else type(loss).__module__
    if home.startswith("sklearn.metrics.") and not settings and getattr(loss, "__name__", "") in _SKLEARN:
        return _SKLEARN[loss.__name__]
    if home.startswith(("torch.nn", "optax.")) or _takes_prediction_first(loss, module=_is_module(loss)):
        name, library = getattr(loss, "__name__", type(loss).__name__), home.partition(".")[0]
        raise texts.foreign_order(name, "(prediction, target)", library)
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
        elif (inner := torch_kin.held(loss)) is not loss:
            loss = inner
        elif _is_foreign(getattr(loss, "__wrapped__", None)) and not _is_foreign(loss):
            loss = loss.__wrapped__
        else:
            return loss, settings


def _is_foreign(loss: Any) -> bool:
    return str(getattr(loss, "__module__", "")).startswith(("torch.nn", "optax.")) or torch_kin.is_built_in(loss)


def _torch(loss: Any) -> dict[str, Any]:
    """A loss of ``torch.nn`` with everything that it does to its values."""
    kind = type(loss).__name__
    name, settings = torch_kin.SPELLINGS[kind](loss, None)
    made = _write(name, settings)
    if getattr(loss, "full", False) and kind == "PoissonNLLLoss":
        raise texts.foreign_setting(kind, "full=True", _as_it_is(loss))
    weights, smoothing = _weights(loss), getattr(loss, "label_smoothing", 0.0)
    by_element = kind in torch_kin.ELEMENTWISE and loss.reduction != "mean"
    if weights and (smoothing or by_element):
        beside = f"label_smoothing={smoothing}" if smoothing else f"reduction={loss.reduction!r}"
        raise texts.foreign_setting(kind, f"weights and {beside}", _as_it_is(loss))
    settings |= {**weights, "label_smoothing": float(smoothing)} if smoothing else weights
    if kind == "TripletMarginLoss" and loss.eps > torch_kin.TRIPLET_EPS:
        raise texts.foreign_setting(kind, f"eps={loss.eps:g}", f"{made}(anchor, positive, negative)")
    if by_element:
        change = "reshape(-1)" if loss.reduction == "sum" else "reshape(*y_true.shape, 1)"
        change = f"(y_true.{change}, y_pred.{change.replace('y_true', 'y_pred')})"
        if name == "gaussian_nll":
            change = "(y_true.reshape(-1), y_pred.reshape(-1, 2))"
            change = change if loss.reduction == "sum" else f"{change}.reshape(y_true.shape)"
        line = f"{_write(name, {**settings, 'reduction': loss.reduction})}{change}"
        raise texts.foreign_setting(kind, f"reduction={loss.reduction!r} over elements", line)
    # Weights of classes count in PyTorch's mean of the cross-entropy, and in no other mean.
    weighed = kind == "CrossEntropyLoss" and weights and loss.reduction == "mean"
    return _scaled(1.0, name, {**settings, "reduction": "mean_with_sample_weight" if weighed else loss.reduction})


def _weights(loss: Any) -> dict[str, Any]:
    """The weights that are parameters of ours."""
    kind = type(loss).__name__
    found: dict[str, Any] = {}
    for setting in torch_kin.UNREAD:
        held = getattr(loss, setting, None)
        if held is None:
            continue
        parameter = torch_kin.PARAMETERS.get((kind, setting))
        if parameter is None or held.dim() > 1:
            raise texts.foreign_setting(kind, f"{setting}=", torch_kin.WEIGHTED[kind, setting])
        numbers = held.reshape(-1).tolist()
        found[parameter] = numbers[0] if parameter == "pos_weight" and len(numbers) == 1 else numbers
    return found


def _as_it_is(loss: Any) -> str:
    reduction = ", reduction='none'" if loss.reduction == "none" else ""
    return f"lossary.get(lambda y_true, y_pred: loss(y_pred, y_true){reduction}), where loss is it"


def _write(name: str, settings: dict[str, Any]) -> str:
    return f"lossary.{get.get(name, **settings)!r}"


_PREDICTIONS = {"input", "inputs", "pred", "preds", "prediction", "predictions", "y_pred", "ypred", "yhat", "y_hat"}
_PREDICTIONS |= {"output", "outputs", "logit", "logits", "score", "scores", "y_score"}
_PREDICTIONS |= {"predictor_outputs", "log_predictions"}
_TARGETS = {"target", "targets", "label", "labels", "y_true", "ytrue", "true", "truth", "y", "gt", "ground_truth"}


def _takes_prediction_first(loss: Any, *, module: bool = False) -> bool:
    """Whether the first two arguments of a callable are called as a prediction and a target are, in this order.

    A ``module`` of PyTorch's does so by convention, unless it calls its first argument a target.
    """
    if torch_kin.is_built_in(loss):
        return True
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
