"""Losses whose arguments are others than targets and predictions, or more of them."""

from __future__ import annotations

from typing import Any

from .._marks import unconverted
from ..backends import Array
from ..calls.batch import Batch
from ..calls.parts import from_two
from ..calls.programs import holds_rows
from .loss import Loss
from .total import Total, of_call


@unconverted
class ArgumentsLoss(Loss):
    """A configured loss whose arguments have names of their own: ``TripletMargin()(anchor, positive, negative)``."""

    def __call__(self, *arguments: Any, sample_weight: Any = None, where: Any = None, **named: Any) -> Array:
        """The reduced loss of a batch, in the framework and dtype of the predictions.

        A model of Keras has two arguments: targets and what else is given lie along the last axis of the first,
        predictions along an axis of the second (see `lossary.pack`).
        """
        if self.in_keras():
            given = dict(zip(("y_true", "y_pred", "sample_weight", "where"), arguments, strict=False))
            return self.of_model(**{"sample_weight": sample_weight, "where": where, **given})
        return self.reduced(self.given(arguments, named), sample_weight, where)

    def of_model(self, y_true: Any, y_pred: Any, sample_weight: Any = None, where: Any = None) -> Array:
        """The reduced loss from the two arrays that a model of Keras has."""
        y_true, y_pred, sample_weight, where = self.arranged(y_true, y_pred, sample_weight, where)
        given = from_two(self.record, y_true, y_pred, rows=holds_rows(self.record, self.parameters))
        return self.reduced(given, sample_weight, where)

    def total(self, *arguments: Any, sample_weight: Any = None, where: Any = None, **named: Any) -> Total:
        """As `Loss.total`."""
        return of_call(self.ready(self.given(arguments, named), sample_weight, where), self.reduction)

    def value_and_grad(
        self, *arguments: Any, sample_weight: Any = None, where: Any = None, **named: Any
    ) -> tuple[Array, Any]:
        """The reduced loss and its gradients with respect to the predictions, a tuple if there are several."""
        return self.reduced_and_gradient(self.given(arguments, named), sample_weight, where)

    def batch(self, *arguments: Any, sample_weight: Any = None, where: Any = None) -> Batch:  # type: ignore[override]
        """The arguments of a call, lined up and checked, ready to be computed in words."""
        return self.lined_up(arguments, sample_weight, where)
