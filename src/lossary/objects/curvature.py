"""The slope and the diagonal of the Hessian of every output, unreduced: what second-order methods ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import texts
from .._marks import unconverted
from ..backends import NUMPY, Array, Backend
from ..backends._columns import COLUMNS
from ..calls import route
from ..calls.batch import Batch
from ..calls.programs import program_for
from ..errors import TraceError
from ..facts.axes import ELEMENT
from ..facts.domain import Signs
from ..facts.sets import least
from ..graph import SPELLED
from .combined import WeightedSum
from .get import get
from .loss import Loss
from .own_call import check_followed
from .raw import Link, link_of, raw
from .row_hessian import RowHessian, factor

HESSIANS = ("exact", "positive", "majorizer", "constant")
# Below it a curvature is this, as XGBoost's own objectives have it.
FLOOR = 1e-16
# How near to its target a score is looked at, as a share of the target, where the two are equal.
_NEAR, _LEAST = 2.0**-20, 1e-30
# Rows at a time, so that what is computed on the way stays in a cache.
_CHUNK = 8192


@unconverted
def grad_and_hess(loss: Any, *, link: str = "auto", hessian: str = "exact") -> Callable[..., tuple[Array, Array]]:
    """The gradient and the diagonal of the Hessian with respect to raw scores, unreduced and per output.

    What boosters and Newton's method ask for.  Outputs that do not see each other, as those of `mean_squared_error`,
    each have the derivatives of their own loss, not of the row's mean.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
        link: What makes predictions of raw scores.  ``"auto"`` asks the loss: ``"logit"`` or ``"softmax"`` for
            probabilities (also with ``from_logits=True``, which is the same), ``"log"`` for rates and other numbers
            that are not negative, ``"identity"`` for scores.  What keeps rates away from 0 (``epsilon``, where it is
            not set) is off behind a link, which never leads there.
        hessian: ``"exact"``, the second derivative, which may be 0 or negative; ``"positive"``, its magnitude, at least
            1e-16; ``"majorizer"``, the curvature of the parabola around the target that touches the loss at the score
            (gradient over difference), where that is more; ``"constant"``, 1.

    Returns:
        A function ``(y_true, raw, sample_weight=None) -> (gradient, diagonal)``, both in the shape, dtype and framework
        of ``raw``, each data point's times its weight.

    Raises:
        LossError: The loss has no raw score per output, compares pairs of outputs (rankings), or regions of images.
        ParameterError: ``link`` or ``hessian`` is unknown.

    >>> import numpy as np, lossary
    >>> derivatives = lossary.grad_and_hess("poisson")  # through its link, rates are exp(raw)
    >>> gradient, diagonal = derivatives(np.array([3.0, 0.0]), np.array([0.0, 0.0]))
    >>> print(gradient, diagonal)
    [-2.  1.] [1. 1.]
    >>> print(lossary.grad_and_hess("mae", hessian="majorizer")(np.array([0.0]), np.array([4.0]))[1])
    [0.25]
    """
    made = get(loss)
    return Curvature(made, link_of(made, link), hessian)


@unconverted
class Curvature:
    """The function that `grad_and_hess` returns."""

    def __init__(self, loss: Loss, link: Link, hessian: str) -> None:
        if hessian not in HESSIANS:
            raise texts.unknown_choice(loss.name, "hessian", hessian, HESSIANS)
        for _, term in _terms(loss):
            check_followed(term, "grad_and_hess")
        self.loss, self.link, self.hessian = loss, link, hessian
        self.raw = raw(loss, link)
        self._terms = _terms(self.raw)
        for _, term in self._terms:
            _traced(term)

    def __repr__(self) -> str:
        return f"grad_and_hess({self.loss!r}, link={self.link.name!r}, hessian={self.hessian!r})"

    def __call__(self, y_true: Any, raw: Any, sample_weight: Any = None) -> tuple[Array, Array]:
        """Gradient and diagonal of every output."""
        first, *rest = self._terms
        slope, curve = self._of(*first, y_true, raw, sample_weight)
        for each in rest:
            more_slope, more_curve = self._of(*each, y_true, raw, sample_weight)
            slope, curve = slope + more_slope, curve + more_curve
        return slope, curve

    def _of(self, weight: float, term: Loss, y_true: Any, raw: Any, sample_weight: Any) -> tuple[Array, Array]:
        plain = sample_weight is None or _are_numbers(sample_weight, raw)
        both = term.curvature_at_once(y_true, raw) if plain and self.hessian != "majorizer" else None
        if both is not None:
            slope, curve = both[0], self.formed(NUMPY, both[1])
            if sample_weight is not None:
                each = sample_weight.astype(raw.dtype, copy=False).reshape(-1, *[1] * (raw.ndim - 1))
                slope, curve = slope * each, curve * each
            return (slope, curve) if weight == 1.0 else (weight * slope, weight * curve)
        batch = term.lined_up((y_true, raw), sample_weight)
        with batch.computing():
            slope, curve = route.of(batch.backend).curvature(batch) or _run(batch, batch.inputs)
            if self.hessian == "majorizer":
                curve = batch.backend.maximum(curve, self._secant(batch))
            curve = self.formed(batch.backend, curve)
            each = factor(batch)
            if each is not None:
                slope, curve = slope * each, curve * each
            if weight != 1.0:
                slope, curve = weight * slope, weight * curve
        place = batch.program.predictions[0]
        return batch.gradient(slope, place), batch.gradient(curve, place)

    @property
    def separable(self) -> bool:
        """Whether no output of a data point is compared with the others."""
        return all(program_for(term.record, term.parameters, NUMPY).separable for _, term in self._terms)

    def of_rows(self, y_true: Any, raw: Any) -> RowHessian:
        """The slope and the whole Hessian, whatever ``hessian`` is, of one row like this one after the other."""
        return RowHessian(self._terms, y_true, raw)

    def formed(self, backend: Backend, curve: Array) -> Array:
        """What ``hessian`` makes of the diagonal."""
        if self.hessian == "exact":
            return curve
        if self.hessian == "constant":
            return backend.ones_like(curve)
        return backend.maximum(backend.abs(curve), FLOOR)

    def _secant(self, batch: Batch) -> Array:
        """The slope over the difference from the best score: the curvature of a parabola around it."""
        backend, record = batch.backend, batch.program.record
        if not is_pointwise(batch):
            raise texts.no_majorizer(record.name)
        w = spelled(backend)
        y_true, raw, *rest = batch.inputs
        best = self.link.forward(
            w,
            backend.where(y_true > 0.0, 1.0 + 0.0 * raw, 0.0 * raw - 1.0)
            if isinstance(record.target, Signs)
            else y_true,
        )
        away = raw - best
        near = _NEAR * backend.abs(best) + _LEAST
        near = backend.where(away < 0.0, -near, near)
        away = backend.where(backend.abs(away) < backend.abs(near), near, away)
        slope, _ = _run(batch, (y_true, best + away, *rest))
        found = slope / away
        return backend.where(backend.less(0.0, found), found, 0.0 * raw)  # NaN where the best score is infinite.


def is_pointwise(batch: Batch) -> bool:
    """Whether every output has a target, and a loss, of its own."""
    record = batch.program.record
    single = batch.backend.shape(batch.y_pred)[-1] == 1
    return record.inputs[0].axes == ELEMENT and record.is_pair and (batch.program.separable or single)


def spelled(backend: Backend) -> Any:
    """The words of a library, by name."""
    return SimpleNamespace(**backend.namespace(SPELLED))


def _are_numbers(sample_weight: Any, raw: Any) -> bool:
    """Whether there is one weight per data point in NumPy's arrays, none of them negative or not finite.

    What a kernel finds is finite, so that a weight of 0 leaves nothing of it.
    """
    if not type(sample_weight) is type(raw) is np.ndarray or sample_weight.dtype.kind != "f":
        return False
    if sample_weight.shape != raw.shape[:1] or not sample_weight.size:
        return False
    # The sum of squares of few numbers takes a fifth of their maximum; where it overflows, the slow path decides.
    return bool(sample_weight.dot(sample_weight) < np.inf and least(sample_weight) >= 0.0)


def _terms(loss: Loss) -> list[tuple[float, Loss]]:
    if not isinstance(loss, WeightedSum):
        return [(1.0, loss)]
    pairs: Iterable[tuple[float, Loss]] = zip(loss.weights, loss.terms, strict=True)
    return [(weight * own, term) for weight, each in pairs for own, term in _terms(each)]


def _traced(loss: Loss) -> None:
    """Raises where a formula has no derivatives in words, now and not in the middle of a training."""
    try:
        program_for(loss.record, loss.parameters, NUMPY).curvature(COLUMNS)
    except TraceError as error:
        raise texts.no_curvature(loss.record.name, error) from None


def _run(batch: Batch, inputs: tuple[Array, ...]) -> tuple[Array, Array]:
    columns = batch.backend is NUMPY and batch.y_pred.ndim == 2
    run = batch.program.curvature(COLUMNS if columns else batch.backend)
    if not columns:
        slope, curve = run(*inputs, *batch.numbers)
        return slope, curve
    slope, curve = (np.empty(batch.y_pred.shape[::-1], batch.y_pred.dtype) for _ in range(2))
    for first in range(0, len(batch.y_pred), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        found = run(*(np.ascontiguousarray(x[chunk].T) for x in inputs), *batch.numbers)
        slope[:, chunk], curve[:, chunk] = found
    return slope.T, curve.T
