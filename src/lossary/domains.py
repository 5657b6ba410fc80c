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
lossary.errors.DomainError: scaled: ...
"""

from .facts.arguments import Listed, Matrix, PerRow
from .facts.domain import (
    Bits,
    Classes,
    Clipped,
    Counts,
    Distance,
    Domain,
    Labels,
    Logarithm,
    LogProbabilities,
    LogProbability,
    NonNegative,
    OneHot,
    Parts,
    Places,
    Positive,
    Probabilities,
    Ranks,
    Real,
    Shares,
    Signs,
    Similarity,
    Transcript,
    Unit,
)
from .facts.settings import Choice, Flag, Interval, OptionalLabel

__all__ = [
    "Bits",
    "Choice",
    "Classes",
    "Clipped",
    "Counts",
    "Distance",
    "Domain",
    "Flag",
    "Interval",
    "Labels",
    "Listed",
    "LogProbabilities",
    "LogProbability",
    "Logarithm",
    "Matrix",
    "NonNegative",
    "OneHot",
    "OptionalLabel",
    "Parts",
    "PerRow",
    "Places",
    "Positive",
    "Probabilities",
    "Ranks",
    "Real",
    "Shares",
    "Signs",
    "Similarity",
    "Transcript",
    "Unit",
]
