"""What a loss may be configured with: its parameters and the settings that all losses have, each checked."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import backends, texts
from ..calls.reduce import standard
from ..facts.axes import Axis
from ..facts.record import Parameter, Record
from ..facts.settings import Choice, Weights
from ..looks import modes

OBJECT_SETTINGS = ("axis", "reduction", "name", "check")
FUNCTION_SETTINGS = ("axis", "check")
_OF_OBJECTS = ("reduction", "name", "sample_weight", "where")


def valid_settings(loss: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `OBJECT_SETTINGS` that are given, each checked and in its canonical form."""
    settings = dict(given)
    if "axis" in settings:
        settings["axis"] = valid_axis(loss, settings["axis"])
    if "reduction" in settings:
        settings["reduction"] = standard(loss, settings["reduction"])
    if settings.get("check") is not None:
        settings["check"] = modes.valid_mode(loss, settings["check"])
    name = settings.get("name")
    if "name" in settings and (name is not None and not isinstance(name, str)):
        raise texts.setting_name(loss, name)
    if "name" in settings:
        settings["name"] = loss if name is None else str(name)
    return settings


def valid_axis(loss: str, axis: Any) -> Axis:
    """A whole number, several of them, or None for all axes; a `ParameterError` at anything else."""
    if type(axis) is int or axis is None:
        return axis
    try:
        if isinstance(axis, tuple | list):
            return tuple(int(operator.index(_no_flag(each))) for each in axis)
        return int(operator.index(_no_flag(axis)))
    except TypeError:
        raise texts.axis_kind(loss, axis) from None


def _no_flag(value: Any) -> Any:
    return None if isinstance(value, (bool, np.bool_)) else value


def validated(record: Record, given: Mapping[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """All parameters of the loss, defaults filled in, each inside its range; ``settings`` are known besides them."""
    parameters = record.defaults()
    known = {p.name: p for p in record.parameters}
    for name, value in given.items():
        if name not in known:
            if name in _OF_OBJECTS and settings is FUNCTION_SETTINGS:
                raise texts.belongs_to_object(record, name, value)
            raise texts.unknown_parameter(record.name, name, [*known, *settings])
        parameters[name] = _valid(record.name, known[name], value)
    _check_scores(record, parameters)
    return parameters


def _check_scores(record: Record, parameters: Mapping[str, Any]) -> None:
    """Raises where predictions have a temperature and are no scores."""
    heat = next((p for p in record.parameters if p.shared and p.name == "temperature"), None)
    if heat is not None and heat.is_symbol(parameters[heat.name]) and not parameters["from_logits"]:
        raise texts.no_scores(record, parameters[heat.name])


def _valid(loss: str, parameter: Parameter, value: Any) -> Any:
    if parameter.is_number:
        return number(loss, parameter, value)
    if isinstance(parameter.allowed, Weights):
        return _weights(loss, parameter, value)
    if isinstance(parameter.allowed, Choice):
        return _chosen(loss, parameter, parameter.allowed, value)
    if isinstance(value, (np.bool_, np.integer)):
        value = value.item()
    is_flag = isinstance(value, bool)
    wrong_flag = isinstance(parameter.default, bool) and not is_flag
    wrong_label = parameter.default is None and value is not None and (is_flag or not isinstance(value, int))
    if wrong_flag or wrong_label:
        raise texts.parameter_value(loss, parameter, value)
    return value


def _chosen(loss: str, parameter: Parameter, allowed: Choice, value: Any) -> str:
    """A name among those that are accepted."""
    if not isinstance(value, str) or value not in allowed.names:
        raise texts.parameter_value(loss, parameter, value)
    return str(value)


def _weights(loss: str, parameter: Parameter, value: Any) -> tuple[float, ...] | float | None:
    """Weights as plain numbers: one per class or output, or one for all outputs."""
    if value is None:
        return None
    per_class = isinstance(parameter.allowed, Weights) and parameter.allowed.per == "class"
    if per_class and isinstance(value, Mapping):
        value = _in_order(loss, parameter, value)
    backend = backends.of(backends.bare(value))
    host = value if backend is None else backend.host(backends.bare(value), wait=True)
    found = _floats(host)
    if found is None or not _are_weights(found, per_class=per_class):
        raise texts.parameter_value(loss, parameter, value)
    return float(found) if found.ndim == 0 else tuple(map(float, found))


def _floats(values: Any) -> np.ndarray[Any, Any] | None:
    """Real numbers in double precision; None at anything else, also where NumPy would make some of it."""
    try:
        found = np.asarray(values)
        return None if found.dtype.kind in "cSU" else found.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        return None


def _are_weights(found: np.ndarray[Any, Any], *, per_class: bool) -> bool:
    if found.ndim > (1 if found.size else 0) or (per_class and found.ndim == 0):
        return False
    return bool(np.isfinite(found).all() and (found >= 0).all())


def _in_order(loss: str, parameter: Parameter, value: Mapping[Any, Any]) -> list[Any]:
    """Weights by class as a list; classes in between that are not named have the weight 1, as in Keras."""
    try:
        named = {operator.index(_no_flag(name)): weight for name, weight in value.items()}
    except TypeError:
        raise texts.parameter_value(loss, parameter, value) from None
    if not named or min(named) < 0:
        raise texts.parameter_value(loss, parameter, value)
    return [named.get(number, 1.0) for number in range(max(named) + 1)]


def number(loss: str, parameter: Parameter, value: Any) -> Any:
    """A numeric parameter, as a float; an array of a framework stays one."""
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value[()]
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            raise texts.parameter_value(loss, parameter, value) from None
        allowed: Any = parameter.allowed  # Of numbers as of arrays.
        if allowed is not None and not allowed.contains(found):
            raise texts.parameter_value(loss, parameter, value)
        return found
    # An array of a framework is traced or differentiated, or changes, so its value is not looked at.
    array = backends.bare(value)
    backend = backends.of(array)
    if backend in (None, backends.NUMPY) or not _is_scalar(backend, array):
        raise texts.parameter_value(loss, parameter, value)
    return value


def _is_scalar(backend: Any, array: Any) -> bool:
    try:
        return bool(backend.shape(array) == ())
    except ValueError:
        return True  # TensorFlow does not know its rank yet.
