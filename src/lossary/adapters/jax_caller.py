"""How losses become known to JAX, which takes apart no object of a type that it does not know.  Imports no JAX."""

from __future__ import annotations

import importlib
import sys
from weakref import WeakSet

from ..objects import kin
from ..objects.loss import Loss

_announced: WeakSet[type] = WeakSet()


def expect() -> None:
    """Makes losses JAX's own, from the first object that is configured beside JAX."""
    kin.listen(announce)


def announce(kind: type) -> None:
    """Makes a class and all other losses known to JAX, if JAX is loaded."""
    if not sys.modules.get("jax") or kind in _announced:
        return
    register = importlib.import_module(f"{__package__}.jax_tree").register
    family = [Loss]
    for member in family:
        family += member.__subclasses__()
        if member not in _announced:
            _announced.add(member)
            register(member)
