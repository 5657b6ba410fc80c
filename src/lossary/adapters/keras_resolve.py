"""From what ``compile`` is given to objects of Keras, and back to what is saved."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras

from .. import texts
from ..errors import UnknownLossError
from ..facts.record import Record
from ..facts.spelling import fold
from ..objects.define import Loss, folded
from .keras_losses import KerasLoss, KerasMetric

# Names that Keras resolves itself, by looking at shapes.
BY_SHAPE = ("crossentropy", "ce")
_CONFIG = {"class_name", "config", "module", "registered_name", "build_config", "shared_object_id"}


def is_config(value: Any) -> bool:
    """Whether a dict describes one object; otherwise it holds something for each output, whatever their names."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("class_name"), str)
        and set(value) <= _CONFIG
        and len(value) > 1
        and isinstance(value.get("config", {}), Mapping if value["class_name"] != "function" else str)
    )


def resolve(loss: Any) -> Any:
    """What ``compile(loss=...)`` was given, with every lossary loss in it as a `KerasLoss`.

    Args:
        loss: A name, function, object or configuration; a list or dict of these, per output; None for no loss.

    Returns:
        The same structure.  What only Keras knows ("dice", "circle", "crossentropy", its own objects) stays.

    Raises:
        UnknownLossError: Neither lossary nor Keras knows the name.
    """
    if loss is None or (isinstance(loss, keras.losses.Loss) and not isinstance(loss, Loss)):
        return loss
    if _is_keras_own(loss):
        return keras.losses.get(loss) if isinstance(loss, Mapping) else loss
    if _is_structure(loss):
        return _mapped(resolve, loss)
    try:
        made = KerasLoss(loss)
    except UnknownLossError:
        if _known(keras.losses.get, loss):
            return keras.losses.get(loss) if isinstance(loss, Mapping) else loss
        raise
    if _is_in_keras(loss) and _is_another(made.record):
        return keras.losses.get(loss) if isinstance(loss, Mapping) else loss
    made.keras_name = loss if isinstance(loss, str) and _known(keras.losses.get, loss) else None
    return made


def resolve_metrics(metrics: Any) -> Any:
    """What ``compile(metrics=...)`` was given, with whatever lossary knows and Keras does not as a `KerasMetric`."""
    if _is_structure(metrics):
        return _mapped(resolve_metrics, metrics)
    if isinstance(metrics, KerasLoss):
        return KerasMetric(metrics.loss, metrics.name)
    if isinstance(metrics, str):
        ours = fold(metrics) in folded() and not _known(keras.metrics.get, metrics)
        return KerasMetric(metrics, metrics) if ours else metrics
    is_class = inspect.isclass(metrics) and issubclass(metrics, Loss)
    is_function = hasattr(metrics, "record") and hasattr(metrics, "cls")
    return KerasMetric(metrics) if is_class or is_function or isinstance(metrics, Loss) else metrics


def saved(loss: Any) -> Any:
    """A resolved loss as it is written to a file: by name where Keras itself knows that name."""
    if _is_structure(loss):
        return _mapped(saved, loss)
    return getattr(loss, "keras_name", None) or loss


def refuse(loss: Any, y: Any, y_pred: Any) -> None:
    """Raises an error that names the way where targets or losses cannot belong to the outputs.

    One output has one loss: of a list Keras would count the first.
    """
    if y is None and isinstance(loss, KerasLoss):
        raise texts.no_targets(loss.record.name)
    if keras.tree.is_nested(y_pred):
        return
    if isinstance(loss, list | tuple) and len(loss) > 1:
        raise texts.several_losses(_name(loss[0]), [_term(each) for each in loss])
    if isinstance(y, Mapping) and isinstance(loss, KerasLoss):
        raise texts.targets_by_name(loss.record.name, list(y))


def _name(loss: Any) -> str:
    return str(getattr(loss, "name", loss))


def _term(loss: Any) -> str:
    """What to write for a loss in a sum."""
    own = isinstance(loss, KerasLoss) and loss.record.builtin
    return f"lossary.{loss.loss!r}" if own else f"lossary.get({_name(loss)})"


def _is_structure(value: Any) -> bool:
    return isinstance(value, list | tuple) or (isinstance(value, Mapping) and not is_config(value))


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return {output: function(each) for output, each in structure.items()}
    found = [function(each) for each in structure]
    return type(structure)(*found) if hasattr(structure, "_fields") else type(structure)(found)


def _is_keras_own(loss: Any) -> bool:
    if isinstance(loss, str):
        return loss.lower() in BY_SHAPE
    if is_config(loss):
        return str(loss.get("module", "")).split(".")[0] == "keras"
    if inspect.isclass(loss) and not issubclass(loss, Loss):
        return True
    return (getattr(loss, "__module__", None) or "").split(".")[0] == "keras"


def _is_in_keras(loss: Any) -> bool:
    """Whether a name is that of Keras's own loss."""
    name = loss.get("class_name") if isinstance(loss, Mapping) else loss
    return isinstance(name, str) and hasattr(keras.losses, name)


def _is_another(record: Record) -> bool:
    """Whether Keras's loss of that name is this one with other settings, as its axis for regions, or another one."""
    lines = (line.partition("#")[0].strip() for peer, line in record.peers.items() if peer.startswith("keras.losses."))
    return any(line not in ("", "Loss()") for line in lines)


def _known(find: Callable[[Any], Any], identifier: Any) -> bool:
    """Whether Keras knows what this is."""
    try:
        return find(identifier) is not None
    except (ValueError, TypeError):
        return False
