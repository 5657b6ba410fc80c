"""What a framework may change about every loss, once it has been imported.

A loss is asked for these answers at every call.  They stand in its base class, so that the adapter of a framework can
put another base into its place, and cost nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._marks import untraced
from ..looks.modes import Mode

Arguments = tuple[Any, Any, Any, Any]


class Kin:
    """What a loss is besides itself: nothing, as long as no framework makes losses its own."""

    def arranged(self, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> Arguments:
        """The arguments of a call, as the caller means them."""
        return y_true, y_pred, sample_weight, where

    @staticmethod
    def in_keras() -> bool:
        """Whether a model of Keras asks for its loss."""
        return False

    @staticmethod
    def mask_of(y_pred: Any) -> Any:
        """Keras's mask of the predictions, or None."""
        return None

    @staticmethod
    def marked(values: Any, mask: Any) -> Any:
        """Values per data point that tell Keras which of them count."""
        return values

    @staticmethod
    def returned(values: Any, where: Any) -> tuple[Any, Any]:
        """What a user's function returned, as an array, and which of the values count."""
        return values, where

    @staticmethod
    def unasked_check() -> Mode | None:
        """How much is checked where nobody has chosen."""
        return None


_listeners: list[Callable[[type], None]] = []


def listen(told: Callable[[type], None]) -> None:
    """Calls ``told`` with the class of every loss object that is configured."""
    _listeners.append(told)


@untraced
def configured(kind: type) -> None:
    """Tells of an object of this class."""
    if "record" in vars(kind):
        vars(kind)["record"].settle()
    for told in _listeners:
        told(kind)
