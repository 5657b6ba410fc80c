"""CatBoost's conventions: it asks for derivatives of what is maximised, calls by block or by row, and sums metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..backends import NUMPY
from ..facts.domain import Classes, OneHot
from ..objects.curvature import FLOOR
from ..objects.get import get
from ..objects.row_hessian import RowHessian
from .boosting import Boosting, Convention, Measure

# Factors: the derivatives of RMSE, Logloss, Poisson and MultiClass in CatBoost's catboost/private/libs/algo.
_OWN = {
    "mean_squared_error": Convention("RMSE", factor=0.5),
    "binary_crossentropy": Convention("Logloss"),
    "poisson": Convention("Poisson"),
    "tweedie_deviance": Convention("Tweedie", factor=0.5),
    "categorical_crossentropy": Convention("MultiClass"),
    "sparse_categorical_crossentropy": Convention("MultiClass"),
}


# A step leads to the bottom of the parabolas, which is part of the way to that of the loss.  With ten of them, splits
# that look at the whole gradient and leaves held back as XGBoost's are, training on `docs/seams.md`'s set ended lowest.
_PARABOLAS = {
    "leaf_estimation_method": "Newton", "leaf_estimation_iterations": 10, "score_function": "L2", "l2_leaf_reg": 1.0,
}  # fmt: skip


def _array(values: Sequence[float]) -> Any:
    return np.asarray(values, np.float64)


class Objective(Boosting):
    """A loss as an objective of CatBoost: ``CatBoostRegressor(loss_function=lossary.catboost.Objective(loss))``.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
        link: What makes predictions of raw scores, as in `lossary.grad_and_hess`.
        hessian: ``"auto"``, or as in `lossary.grad_and_hess`; ``.hessian`` and ``.reason`` say what ``"auto"`` came to.
        scale: A factor of both derivatives; ``"auto"`` is CatBoost's own where it has the loss.

    CatBoost asks by itself for ``eval_metric``, `Metric`, which `params` says too.  Its predictions are raw scores:
    `inverse_link` makes predictions of them.
    """

    conventions: ClassVar = _OWN
    classes: ClassVar = "classes_count=3 among the parameters of CatBoost, or lossary.BinaryCrossentropy() for two"
    # CatBoost compiles methods of objectives with Numba where it finds it, which these are not made for.
    no_jit = True

    def __new__(cls, loss: Any, *_: Any, **__: Any) -> Objective:
        """One for rows of scores where the loss is of rows."""
        rows = isinstance(get(loss).record.target, Classes | OneHot)
        return super().__new__(MultiObjective if rows else cls)

    def params(self) -> dict[str, Any]:
        """What CatBoost has to know: the objective, its metric, and how to find leaves where parabolas stand for it."""
        found = {"loss_function": self, "eval_metric": self._metric()}
        return {**found, **_PARABOLAS} if self.hessian == "majorizer" else found

    def _metric(self) -> Metric:
        return Metric(self.loss, self.link)

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        """First and second derivatives of minus the loss, for a block of data points."""
        y_true, scores, weight = _array(targets), np.asarray(approxes), None if weights is None else _array(weights)
        whole = self.hessian == "majorizer" or (weight is not None and not weight[weight.argmin()] > 0.0)
        slope, curve = self.derivatives(y_true, scores, weight) if whole else self._derived(y_true, scores)
        # In place: blocks are so small that every pass over them counts, and that `slopes, curves = found` would too.
        found = np.empty((2, len(scores)))
        slopes, curves = found[0], found[1]
        np.negative(slope, out=slopes)
        np.negative(curve, out=curves)
        if whole:
            return found.T
        factor, steeper = self._factors(scores)
        if factor != 1.0:
            found *= factor
        if steeper != 1.0:
            curves *= steeper
        np.minimum(curves, -FLOOR, out=curves)
        if weight is not None:
            found *= weight
        return found.T


class _Rows(NamedTuple):
    """What rows of one length need: the target of every label, what derives, and the factors of both derivatives."""

    targets: Any
    derived: RowHessian
    factor: float
    steepness: float


class MultiObjective(Objective):
    """What `Objective` makes of a loss of rows: an objective for several classes."""

    _met: _Rows | None = None

    def _meet(self, size: int) -> _Rows:
        scores = np.zeros((1, size))
        rows = self.targets(np.arange(size), np.zeros((size, size)))
        factor, steeper = self._factors(scores)
        return _Rows(rows, self.curvature.of_rows(rows[:1], scores), factor, factor * steeper)

    def calc_ders_multi(self, approxes: Any, target: Any, weight: float) -> Any:
        """The gradient and the Hessian of minus the loss of one data point."""
        scores = _array(approxes)[None]
        size = scores.shape[1]
        met = self._met
        if met is None or len(met.targets) != size:
            self._met = met = self._meet(size)
        label = int(target)
        known = 0 <= label < size
        y_true = met.targets[label : label + 1] if known else self.targets(np.array([target]), scores)
        slope, matrix = met.derived(y_true, scores)
        if self.hessian != "exact":
            matrix = np.diag(self.curvature.formed(NUMPY, matrix.diagonal()))
        return (slope * (-weight * met.factor)).tolist(), (matrix * (-weight * met.steepness)).tolist()


class Metric(Measure):
    """A loss as a metric of CatBoost: ``eval_metric=lossary.catboost.Metric(loss)``, its weighted mean."""

    classes: ClassVar = Objective.classes
    no_jit = True

    def is_max_optimal(self) -> bool:
        """Less is better."""
        return False

    def get_final_error(self, error: float, weight: float) -> float:
        """The mean from the two sums."""
        return error / (weight or 1.0)

    def evaluate(self, approxes: Sequence[Any], target: Any, weight: Any) -> tuple[float, float]:
        """The weighted sum of the loss, and the sum of the weights."""
        scores = np.stack([_array(each) for each in approxes], axis=-1) if len(approxes) > 1 else _array(approxes[0])
        weights = None if weight is None else _array(weight)
        total = float(len(scores) if weights is None else weights.sum())
        return self.value(_array(target), scores, weights) * total, total
