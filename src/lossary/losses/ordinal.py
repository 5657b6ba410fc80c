"""Losses of ordered classes: an output for each step from a class to the next."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import Places, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import position, softplus, sum, where


def _steps(y_true: Any, y_pred: Any) -> Any:
    """What each step costs, that is taken where the class lies beyond it."""
    return softplus(where(position(y_pred) < y_true, -y_pred, y_pred))


@loss(
    aliases=("coral_loss", "coral_ordinal"),
    class_name="CORAL",
    target=PerRow(Places()),
    prediction=Real(),
    definition="sum over k of log(1 + exp(-y_pred[k])) if k < y_true else log(1 + exp(y_pred[k]))",
    source="W. Cao, V. Mirjalili, S. Raschka, Rank consistent ordinal regression for neural networks (2020), eq. 4",
    peers={
        "coral_pytorch.losses.coral_loss": "Loss()   # of rows of levels there",
        "coral_pytorch.losses.CoralLoss": "Loss()   # of rows of levels there",
    },
    cases=(
        Case([1], [[0.0, 0.0]], (2.0 * math.log(2.0),), "label 1 of 3: log 2 + log 2"),
        Case([0, 2], [[math.log(3.0), 0.0], [math.log(3.0), math.log(3.0)]],
             (math.log(8.0), 2.0 * math.log(4.0 / 3.0)), "log 4 + log 2; log(1 + 1/3) twice"),
    ),
)  # fmt: skip
def coral(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropies of the questions whether a class lies beyond each step, for ordered classes: grades, ages.

    ``y_true`` holds one label per row, 0 to C - 1, and ``y_pred`` C - 1 raw scores: that the label is above 0, above
    1, and so on.  Scores of one shared direction with C - 1 offsets fall from step to step, so that the answers agree;
    the predicted class is the number of scores above 0.  With rows of levels, ``np.arange(C - 1) < label``, it is
    C - 1 times `binary_crossentropy` with ``from_logits=True``.

    >>> import lossary
    >>> print(lossary.coral([1], [[0.0, 0.0]]).round(4))
    [1.3863]
    """
    return sum(_steps(y_true, y_pred))


@loss(
    aliases=("corn_loss",),
    class_name="CORN",
    target=PerRow(Places()),
    prediction=Real(),
    definition="sum over k <= y_true of log(1 + exp(-y_pred[k])) if k < y_true else log(1 + exp(y_pred[k]))",
    source="X. Shi, W. Cao, S. Raschka, Deep neural networks for rank-consistent ordinal regression based on "
    "conditional probabilities (2023), eq. 5",
    peers={
        "coral_pytorch.losses.corn_loss": "Loss()   # divided by the number of steps that count there",
        "coral_pytorch.losses.CornLoss": "Loss()   # divided by the number of steps that count there",
    },
    cases=(
        Case([0], [[0.0, 5.0]], (math.log(2.0),), "only the first step counts"),
        Case([1, 2], [[math.log(3.0), 0.0], [0.0, 0.0]], (math.log(8.0 / 3.0), 2.0 * math.log(2.0)),
             "log(1 + 1/3) + log 2; log 2 twice"),
    ),
)  # fmt: skip
def corn(y_true: Any, y_pred: Any) -> Any:
    """`coral` in which each step is asked only of points that came as far, for ordered classes.

    ``y_true`` holds one label per row, 0 to C - 1, and ``y_pred`` C - 1 raw scores, each that the label is above k if
    it is above k - 1; the chance to lie beyond a step is the product of the sigmoids up to it, so that nothing has to
    be shared.  The mean is over data points; the authors' code divides by the number of steps that count.

    >>> import lossary
    >>> print(lossary.corn([0], [[0.0, 5.0]]).round(4))
    [0.6931]
    """
    return sum(where(position(y_pred) <= y_true, _steps(y_true, y_pred), 0.0))
