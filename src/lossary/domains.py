"""The sets that targets, predictions and parameters belong to, for use with `lossary.loss`.

>>> import lossary
>>> from lossary.domains import Interval, NonNegative
>>> @lossary.loss(target=NonNegative(), parameters={"scale": Interval("Factor", 0.0)})
... def scaled(y_true, y_pred, *, scale=1.0):
...     return lossary.words.mean(scale * abs(y_pred - y_true))
>>> print(scaled([[1.0, 2.0]], [[2.0, 4.0]]))
[1.5]
>>> scaled([[-1.0]], [[2.0]])
Traceback (most recent call last):
    ...
lossary.errors.DomainError: scaled: y_true[0, 0] is -1; accepted are numbers >= 0. Shift or recode the targets, or choose \
a loss for real numbers such as lossary.huber
"""

from ._domain import (
    Bits,
    Classes,
    Counts,
    Domain,
    Flag,
    Interval,
    NonNegative,
    OneHot,
    OptionalLabel,
    Probabilities,
    Real,
    Signs,
    Unit,
)

__all__ = [
    "Bits",
    "Classes",
    "Counts",
    "Domain",
    "Flag",
    "Interval",
    "NonNegative",
    "OneHot",
    "OptionalLabel",
    "Probabilities",
    "Real",
    "Signs",
    "Unit",
]
