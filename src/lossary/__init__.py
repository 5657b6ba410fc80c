"""The loss layer of machine learning: every loss defined once, for every array library.

>>> import lossary
>>> print(lossary.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]]))
[2.]
>>> float(lossary.Huber(delta=2.0)([[1.0, 2.0]], [[1.0, 4.0]]))
1.0
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import domains, losses, words
from . import routes as _routes  # noqa: F401  (so that calls find what is faster than words)
from .adapters import jax_caller as _jax_caller
from .adapters import keras_caller as _keras_caller
from .calls.categorical import to_categorical
from .calls.faults import raise_faults
from .calls.parts import pack
from .errors import (
    BackendError,
    DomainError,
    DomainWarning,
    DTypeError,
    LossError,
    ParameterError,
    ShapeError,
    TraceError,
    UnknownLossError,
)
from .facts.record import Case
from .looks.modes import check
from .objects import constant as _constant  # noqa: F401  (so that losses know their best constant)
from .objects.combined import WeightedSum
from .objects.curvature import grad_and_hess
from .objects.define import Loss, loss
from .objects.get import get, is_categorical_crossentropy, names, value_and_grad
from .objects.linear import LinearCrossEntropy, LinearLoss, linear
from .objects.linear_function import linear_cross_entropy
from .objects.names import exports
from .objects.several import ArgumentsLoss
from .objects.total import Total, TotalOfTerms
from .readers import foreign as _foreign  # noqa: F401  (so that `get` understands other libraries' losses)

if TYPE_CHECKING:
    from . import scoring
    from .doctor import Advice, Explanation, Finding, Report, Verification, diagnose, explain, suggest, verify
    from .show import plot

__version__ = "0.1.0"

# The stub beside this file lists these names for editors and type checkers.
globals().update(exports())
_keras_caller.expect()
_jax_caller.expect()

# Imported when first asked for, as training needs none of it; each with the module it comes from.
_LATE = dict.fromkeys(
    ("Advice", "Explanation", "Finding", "Report", "Verification", "diagnose", "explain", "suggest", "verify"), "doctor"
) | {"plot": "show"}


def __getattr__(name: str) -> Any:
    if name == "scoring":
        return importlib.import_module(".scoring", __name__)
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_LATE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, "scoring"})


__all__ = [
    "Advice",
    "ArgumentsLoss",
    "BackendError",
    "Case",
    "DTypeError",
    "DomainError",
    "DomainWarning",
    "Explanation",
    "Finding",
    "LinearCrossEntropy",
    "LinearLoss",
    "Loss",
    "LossError",
    "ParameterError",
    "Report",
    "ShapeError",
    "Total",
    "TotalOfTerms",
    "TraceError",
    "UnknownLossError",
    "Verification",
    "WeightedSum",
    "check",
    "diagnose",
    "domains",
    "explain",
    "get",
    "grad_and_hess",
    "is_categorical_crossentropy",
    "linear",
    "linear_cross_entropy",
    "loss",
    "losses",
    "names",
    "pack",
    "plot",
    "raise_faults",
    "scoring",
    "suggest",
    "to_categorical",
    "value_and_grad",
    "verify",
    "words",
    *exports(),
]
