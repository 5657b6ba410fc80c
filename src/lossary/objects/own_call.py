"""Users' classes whose call is their own.

What computes by the formula alone would pass such a call by without a word, so it follows the call where a framework
differentiates it, and says so where it cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import backends, texts
from ..backends import NUMPY, Array

_PASSED_BY = ("total", "best_constant")


def is_followed(cls: type) -> bool:
    """Whether the class calls what this package defines."""
    return _is_ours(cls, "__call__")


def follow(cls: type) -> None:
    """Gives a class with a call of its own the answers that fit to it."""
    if is_followed(cls):
        return
    if _is_ours(cls, "value_and_grad"):
        cls.value_and_grad = _differentiated  # type: ignore[attr-defined]
    for name in _PASSED_BY:
        if _is_ours(cls, name):
            setattr(cls, name, _refusal(name))


def check_followed(loss: Any, asked: str) -> None:
    """Raises where the answer would be that of the formula and not that of the call."""
    if not is_followed(type(loss)):
        raise texts.own_call(loss.name, type(loss).__name__, asked)


def _is_ours(cls: type, name: str) -> bool:
    owner = next((base for base in cls.__mro__ if name in vars(base)), object)
    return owner.__module__.partition(".")[0] == __name__.partition(".")[0]


def _differentiated(
    self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None
) -> tuple[Array, Array]:
    backend = backends.of(y_pred)
    if backend is None or backend is NUMPY or self.reduction == "none":
        raise texts.own_call(self.name, type(self).__name__, "value_and_grad")
    # The call need not know masks.
    named = {"sample_weight": sample_weight, "where": where}
    given = {name: value for name, value in named.items() if value is not None}
    return backend.value_and_grad(lambda prediction: self(y_true, prediction, **given), y_pred)


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(self: Any, *arguments: Any, **named: Any) -> Any:
        raise texts.own_call(self.name, type(self).__name__, name)

    return refuse
