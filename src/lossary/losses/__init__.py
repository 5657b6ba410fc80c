"""The catalogue: one file per kind of question, formulas and nothing else.

`lossary.losses` also offers every loss under all its names, for those used to ``from keras import losses``.
"""

import importlib
import pkgutil

from ..objects.names import exports

_FAMILIES = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_")
for _family in _FAMILIES:
    importlib.import_module(f"{__name__}.{_family}")

_names = exports()
globals().update(_names)
__all__ = [*_FAMILIES, *_names]
