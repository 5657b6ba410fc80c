"""How losses become Keras's own as soon as Keras is there.  Imports no Keras.

A plain ``keras.Model`` hands sample weights to instances of ``keras.losses.Loss``; whatever else it is given is put
into a wrapper that weights what was returned, too late for a loss that has reduced already.  So every loss descends
from `Kin` while there is no Keras, and from Keras's class of losses from the moment Keras has been imported.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any

from .._check_values import Mode

Arguments = tuple[Any, Any, Any, Any]


class Kin:
    """What a loss is besides itself: nothing, as long as there is no Keras.  `keras_kin` has the other answers."""

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

    @classmethod
    def unasked_check(cls) -> Mode | None:
        """How much is checked where nobody has chosen.

        Most steps of Keras are compiled, where values cannot be read.  So that one call has one answer on all of its
        backends they are read on none.
        """
        return "shapes" if cls.in_keras() else None


class _Arrival(MetaPathFinder):
    """Waits for Keras to be imported."""

    looking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "keras" or self.looking:
            return None
        self.looking = True
        try:
            spec = find_spec(name)
        finally:
            self.looking = False
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_announce(module: Any) -> None:
            execute(module)
            announce()

        spec.loader.exec_module = execute_and_announce
        return spec


def expect() -> None:
    """Makes losses Keras's own, now or once Keras has been imported."""
    if "keras" in sys.modules:
        announce()
    elif not any(isinstance(finder, _Arrival) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Arrival())


def announce() -> None:
    """Makes the functions and classes of all losses known to Keras, if Keras is loaded."""
    saving = getattr(sys.modules.get("keras"), "saving", None)
    if saving is None:
        return
    from .._loss import function, records

    importlib.import_module(f"{__package__}.keras_kin").adopt()
    importlib.import_module(f"{__package__}.keras_losses")
    for record in records():
        made = function(record.name)
        if saving.get_registered_name(made) != f"lossary.function>{record.name}":
            saving.register_keras_serializable("lossary", record.class_name)(made.cls)
            saving.register_keras_serializable("lossary.function", record.name)(made)
