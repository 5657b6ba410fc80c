"""How losses become Keras's own as soon as Keras is there.  Imports no Keras.

A plain ``keras.Model`` hands sample weights to instances of ``keras.losses.Loss``; whatever else it is given is put
into a wrapper that weights what was returned, too late for a loss that has reduced already.  So every loss descends
from `Kin` while there is no Keras, and from Keras's class of losses from the moment Keras has been imported.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import Any

from ..facts import registry


class _Arrival:
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

        spec.loader.exec_module = execute_and_announce  # type: ignore[method-assign]
        return spec


def expect() -> None:
    """Makes losses Keras's own, now or once Keras has been imported, and those that are defined later too."""
    registry.listen(announce)
    if sys.modules.get("keras"):
        announce()
    elif not any(isinstance(finder, _Arrival) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Arrival())


def announce() -> None:
    """Makes the functions and classes of all losses known to Keras, if Keras is loaded."""
    saving = getattr(sys.modules.get("keras"), "saving", None)
    if saving is None:
        return
    importlib.import_module(f"{__package__}.keras_kin").adopt()
    importlib.import_module(f"{__package__}.keras_losses")
    for record in registry.records():
        made = registry.function(record.name)
        if saving.get_registered_name(made) != f"lossary.function>{record.name}":
            saving.register_keras_serializable("lossary", record.class_name)(made.cls)
            saving.register_keras_serializable("lossary.function", record.name)(made)
    for cls in registry.compositions():
        if saving.get_registered_name(cls) != f"lossary>{cls.__name__}":
            saving.register_keras_serializable("lossary", cls.__name__)(cls)
