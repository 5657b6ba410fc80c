"""The catalogue: one file per kind of question, formulas and nothing else.

`lossary.losses` also offers every loss under all its names, for those used to ``from keras import losses``.
"""

from .._names import exports
from . import binary, counts, distributions, multiclass, regression

globals().update(exports())
__all__ = ["binary", "counts", "distributions", "multiclass", "regression", *exports()]
