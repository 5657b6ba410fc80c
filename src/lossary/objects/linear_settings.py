"""Settings of losses of a last layer's scores, each checked."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import texts
from ..facts.record import Parameter
from . import scores
from .loss import Loss
from .parameters import number

DEFAULTS = {"softcap": None, "z_loss": 0.0, "shift": 0, "chunk": None, "parallel": None}
_PARALLEL = (None, "tokens", "vocabulary")
OWN = ("reduction", "name", "check")


def plain_numbers(name: str, loss: Loss) -> None:
    """Raises where a parameter is an array."""
    for parameter in loss.record.parameters:
        value = loss.parameters[parameter.name]
        if parameter.is_number and not isinstance(value, float):
            raise texts.linear_setting(name, parameter.name, value, "a plain number", f"{parameter.name}=float(...)")


def checked(name: str, softcap: Any, z_loss: Any, shift: Any, chunk: Any, parallel: Any) -> dict[str, Any]:
    """The settings of heads, each in its range."""
    cap = None if softcap is None else _number(name, scores.SOFTCAP, softcap, "a number > 0, or None", "softcap=30.0")
    if cap == 0.0:
        raise texts.linear_setting(name, "softcap", softcap, "a number > 0, or None", "softcap=None for none")
    pull = _number(name, scores.Z_LOSS, z_loss, "a number >= 0", "z_loss=1e-4")
    if parallel not in _PARALLEL:
        raise texts.linear_setting(name, "parallel", parallel, "None, 'tokens' or 'vocabulary'", "parallel='tokens'")
    by = _whole(name, "shift", shift, 0, "shift=1 to predict the next token")
    return {
        "softcap": cap,
        "z_loss": pull,
        "shift": by,
        "chunk": None if chunk is None else _whole(name, "chunk", chunk, 1, "chunk=None to have it chosen"),
        "parallel": parallel,
    }


def _number(name: str, parameter: Parameter, value: Any, accepted: str, line: str) -> float:
    try:
        found = number(name, parameter, value)
    except ValueError:
        found = None
    if not isinstance(found, float) or found == float("inf"):
        raise texts.linear_setting(name, parameter.name, value, accepted, line)
    return found


def _whole(name: str, setting: str, value: Any, least: int, line: str) -> int:
    try:
        found = -1 if isinstance(value, bool | np.bool_) else int(operator.index(value))
    except TypeError:
        found = -1
    if found < least:
        raise texts.linear_setting(name, setting, value, f"a whole number >= {least}", line)
    return found


def generic(name: str, settings: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings that every loss has; raises where there is another."""
    stray = sorted(settings.keys() - set(OWN))
    if stray:
        raise texts.unknown_parameter(name, stray[0], [*parameters, *OWN])
    return settings
