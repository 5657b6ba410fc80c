"""The vocabulary of formulas, for use inside functions decorated with `lossary.loss`.

>>> from lossary.words import abs, mean
>>> import lossary
>>> @lossary.loss
... def absolute(y_true, y_pred):
...     return mean(abs(y_pred - y_true))
>>> print(absolute([[1.0, 2.0]], [[2.0, 4.0]]))
[1.5]
"""

from .graph.words import *  # noqa: F403
from .graph.words import __all__ as __all__
from .graph.words import is_off as is_off
