"""Values and slopes of a formula itself in 60 digits, for a loss that has no reference of its own in `oracle` yet.

They show what floats lose, and nothing about the formula: only a reference that was written from the definition does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np

from lossary.backends.numpy import NumpyBackend
from lossary.calls.programs import Program
from lossary.objects.define import records


def _each(function: Callable[..., Any], inputs: int = 1) -> Any:
    return staticmethod(np.frompyfunc(function, inputs, 1))


def _whether(function: Callable[..., Any], inputs: int = 2) -> Any:
    made = np.frompyfunc(function, inputs, 1)
    return staticmethod(lambda *args: np.asarray(made(*args), bool))


class Exact(NumpyBackend):
    """The vocabulary on arrays of 60-digit numbers."""

    name = "exact"
    abs, sign, exp, expm1, log, log1p = map(_each, (abs, mp.sign, mp.exp, mp.expm1, mp.log, mp.log1p))
    sqrt, square, sinh, tanh = map(_each, (mp.sqrt, lambda x: x * x, mp.sinh, mp.tanh))
    log1pmx, expm1mx = _each(lambda x: mp.log1p(x) - x), _each(lambda x: mp.expm1(x) - x)
    log1mexp, hypot1, logcosh = (
        _each(lambda x: mp.log1p(-mp.exp(x)) if x < -1 else mp.log(-mp.expm1(x))),
        _each(lambda x: mp.sqrt(1 + x * x)),
        _each(lambda x: mp.log(mp.cosh(x))),
    )
    arctan, cos, sin, erf = map(_each, (mp.atan, mp.cos, mp.sin, mp.erf))
    lgamma, digamma, trigamma = map(_each, (mp.loggamma, mp.digamma, lambda x: mp.polygamma(1, x)))
    binet = _each(lambda x: mp.loggamma(x) - (x - mp.mpf(0.5)) * mp.log(x) + x - mp.log(2 * mp.pi) / 2)
    binet_slope = _each(lambda x: mp.digamma(x) - mp.log(x) + 1 / (2 * x))
    log_ndtr = _each(lambda x: mp.log(mp.ncdf(x)) if x < 0 else mp.log1p(-mp.ncdf(-x)))
    inverse_mills = _each(lambda x: mp.npdf(x) / mp.ncdf(x))
    bell = _each(lambda x: mp.exp(-x * x))
    maximum, minimum = _each(max, 2), _each(min, 2)
    equal, less = _whether(lambda a, b: a == b), _whether(lambda a, b: a < b)
    less_equal = _whether(lambda a, b: a <= b)

    def indicator(self, condition: Any, like: Any) -> Any:
        return np.where(condition, mp.mpf(1), mp.mpf(0))

    def sum(self, x: Any) -> Any:
        return np.add.reduce(x, axis=-1, keepdims=True)

    def mean(self, x: Any) -> Any:
        return self.sum(x) / x.shape[-1]

    def mean_square(self, x: Any) -> Any:
        return self.mean(x * x)

    def max(self, x: Any) -> Any:
        return np.maximum.reduce(x, axis=-1, keepdims=True)

    def count(self, x: Any) -> Any:
        return mp.mpf(x.shape[-1])


_BACKEND = Exact()


@cache
def _program(name: str, switches: tuple[tuple[str, Any], ...]) -> Program:
    record = next(record for record in records() if record.name == name)
    return Program(dataclasses.replace(record, slope=None), switches)


def _run(part: str, name: str, t: Any, p: Any, parameters: dict[str, Any]) -> list[Any]:
    record = next(record for record in records() if record.name == name)
    settings = record.defaults() | parameters
    program = _program(name, tuple((q.name, settings[q.name]) for q in record.parameters if not q.is_number))
    row = np.array([p], object)
    target = np.array([[int(t)]]) if record.labels_are_integers else np.array([t], object)
    numbers = [mp.mpf(settings[number]) for number in program.numbers]
    return list(np.asarray(getattr(program, part)(_BACKEND)(target, row, *numbers), object)[0])


def value(name: str, t: Any, p: Any, **parameters: Any) -> Any:
    """The value of one row."""
    return _run("value", name, t, p, parameters)[0]


def slope(name: str, t: Any, p: Any, **parameters: Any) -> list[Any]:
    """The slopes of one row with respect to the prediction."""
    return _run("slope", name, t, p, parameters)
