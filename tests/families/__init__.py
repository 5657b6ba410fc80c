"""What is known of each loss from outside the library: one file per family, as in `lossary.losses`.

``VALUES[name](*rows, **parameters)``   the loss of one row of each input, in mpmath, written from its definition
``SLOPES[name](t, p, **parameters)``    its slopes in the prediction, where the rule at a clip or a kink is another
                                        than the mean of both sides, which differences give
``GUARDED[name](*rows, **parameters)``  the rows at which a slope is that of the value, where inputs are clipped
``HELD[name](*rows, **parameters)``      what counts as a constant in slopes, as further parameters of the value
``TERMS[name](t, p, index, ...)``       the size of what must be subtracted in the value (index None) or a slope
``SETTINGS[name]``                      parameters to measure besides the defaults and ``from_logits=True``
``SOFT``                                losses of labels that are taught by probabilities too
``HURT``                                inputs chosen to hurt a loss whose inputs are no pair of y_true and y_pred
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def table(name: str) -> dict[str, Any]:
    """One table over all families."""
    found: dict[str, Any] = {}
    for module in _modules():
        found |= getattr(module, name, {})
    return found


def entries(name: str) -> list[Any]:
    """One list over all families."""
    return [entry for module in _modules() for entry in getattr(module, name, ())]


def _modules() -> list[Any]:
    return [importlib.import_module(f"families.{each.name}") for each in pkgutil.iter_modules(__path__)]
