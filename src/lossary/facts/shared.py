"""Parameters that losses have because of what their targets and predictions are, not because of their formulas."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .arguments import Argument
from .domain import Bits, Classes, Domain, OneHot, Signs
from .record import Parameter
from .settings import Interval, OptionalLabel, Weights

IGNORED = OptionalLabel("Label of positions to leave out: they count neither in sum nor in denominator")
_CLASS_WEIGHT = Weights("Weight of each class, which multiplies the loss of its data points; classes not named have 1")
_POS_WEIGHT = Weights("Weight of the positive targets, for all outputs or for each", per="output")
_TEMPERATURE = Interval("What scores are divided by before anything else", 0.0, open_below=True, off=1.0)


def shared(arguments: tuple[Argument, ...], own: Collection[str], *, regions: bool) -> tuple[Parameter, ...]:
    """The shared parameters of a loss with these arguments and parameters of its own, which take precedence."""
    known: dict[str, tuple[Any, Domain]] = {}
    target = _target(arguments)
    if isinstance(target, Classes):
        known["ignore_class"] = None, IGNORED
    if isinstance(target, Classes | OneHot | Bits | Signs) and not regions:
        known["class_weight"] = None, _CLASS_WEIGHT
    if isinstance(target, Bits | Signs) and not regions:
        known["pos_weight"] = None, _POS_WEIGHT
    if "from_logits" in own:
        known["temperature"] = 1.0, _TEMPERATURE
    return tuple(
        Parameter(name, default, allowed, positional=False, shared=True)
        for name, (default, allowed) in known.items()
        if name not in own
    )


def _target(arguments: tuple[Argument, ...]) -> Domain | None:
    """The set of the targets of a loss of ``(y_true, y_pred)`` with a number or a label each."""
    pair = [argument.name for argument in arguments] == ["y_true", "y_pred"]
    return arguments[0].domain if pair and not any(argument.parts for argument in arguments) else None
