"""The loss layer of machine learning: every loss defined once, for every array library.

>>> import lossary
>>> print(lossary.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]]))
[2.]
>>> float(lossary.Huber(delta=2.0)([[1.0, 2.0]], [[1.0, 4.0]]))
1.0
"""

from . import domains, losses, words
from ._categorical import to_categorical
from ._check import check
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

__version__ = "0.1.0"

# The stub beside this file lists these names for editors and type checkers.
globals().update(exports())

__all__ = [
    "BackendError",
    "Case",
    "DTypeError",
    "DomainError",
    "Loss",
    "LossError",
    "ParameterError",
    "ShapeError",
    "TraceError",
    "UnknownLossError",
    "check",
    "domains",
    "get",
    "is_categorical_crossentropy",
    "loss",
    "losses",
    "names",
    "plot",
    "to_categorical",
    "value_and_grad",
    "words",
    *exports(),
]
