"""The loss layer of machine learning: every loss defined once, for every array library.

>>> import lossary
>>> print(lossary.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]]))
[2.]
>>> float(lossary.Huber(delta=2.0)([[1.0, 2.0]], [[1.0, 4.0]]))
1.0
"""

from typing import TYPE_CHECKING, Any

from . import domains, losses, words
from ._categorical import to_categorical
from ._check_values import check
from ._get import get, is_categorical_crossentropy, names, value_and_grad
from ._loss import Loss, loss
from ._names import exports
from ._record import Case
from .errors import (
    BackendError,
    DomainError,
    DTypeError,
    LossError,
    ParameterError,
    ShapeError,
    TraceError,
    UnknownLossError,
)
from .show import plot

if TYPE_CHECKING:
    from .doctor import Advice, Explanation, Finding, Report, Verification, diagnose, explain, suggest, verify

__version__ = "0.1.0"

# The stub beside this file lists these names for editors and type checkers.
globals().update(exports())

# Imported when first asked for, as training needs none of it.
_DOCTOR = frozenset(
    {"Advice", "Explanation", "Finding", "Report", "Verification", "diagnose", "explain", "suggest", "verify"}
)


def __getattr__(name: str) -> Any:
    if name not in _DOCTOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import doctor

    return getattr(doctor, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_DOCTOR})


__all__ = [
    "Advice",
    "BackendError",
    "Case",
    "DTypeError",
    "DomainError",
    "Explanation",
    "Finding",
    "Loss",
    "LossError",
    "ParameterError",
    "Report",
    "ShapeError",
    "TraceError",
    "UnknownLossError",
    "Verification",
    "check",
    "diagnose",
    "domains",
    "explain",
    "get",
    "is_categorical_crossentropy",
    "loss",
    "losses",
    "names",
    "plot",
    "suggest",
    "to_categorical",
    "value_and_grad",
    "verify",
    "words",
    *exports(),
]
