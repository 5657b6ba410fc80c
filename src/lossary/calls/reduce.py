"""The one reducer: weights, mask and the mean."""

from __future__ import annotations

from typing import Any, Final

from .. import texts
from ..backends import Array, Backend

REDUCTIONS: Final = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)

MEANS: Final = frozenset({"sum_over_batch_size", "mean_with_sample_weight"})


def standard(loss: str, reduction: Any) -> str:
    """The canonical name of a reduction."""
    if not (reduction is None or isinstance(reduction, str)) or reduction not in REDUCTIONS:
        raise texts.reduction_name(loss, reduction, REDUCTIONS)
    synonyms = {"mean": "sum_over_batch_size", "None": "none"}
    return synonyms.get(str(reduction), str(reduction))


def check_points(loss: str, backend: Backend, y_pred: Array, reduction: str, argument: str = "y_pred") -> None:
    """Without data points there are no values and their sum is 0; only a mean of them is undefined."""
    size = backend.size(y_pred) if reduction in MEANS else None
    if isinstance(size, int) and size == 0:  # A size that is not known yet is no int.
        raise texts.empty(loss, argument, backend.shape(y_pred))


def factors(
    loss: str,
    backend: Backend,
    values: Array,
    weights: Array | None,
    mask: Array | None,
    reduction: str,
    outputs: Any = 1,
) -> Array | float:
    """What each value is multiplied by, so that the reduced loss is the sum of the products; a number if all agree.

    The factor is ``w_i m_i / D`` with weight w (1 if none), mask m (1 if none) and the denominator D:
    ``sum_over_batch_size``: the number of unmasked data points; ``mean_with_sample_weight``: the sum of their
    weights; ``sum`` and ``none``: 1.  Where nothing is left to divide by, the loss is 0.  Under ``tf.distribute``,
    where the replicas' losses are added up, a mean is divided by their number too, as Keras's objects do.  So many
    ``outputs`` are the values of one data point, whose loss is their mean.
    """
    factor = _factors(loss, backend, values, weights, mask, reduction)
    divisor = backend.replicas() if reduction in MEANS else outputs
    return factor if isinstance(divisor, int) and divisor == 1 else factor / divisor


def _factors(
    loss: str, backend: Backend, values: Array, weights: Array | None, mask: Array | None, reduction: str
) -> Array | float:
    if weights is None and mask is None:
        size = backend.size(values) if reduction not in ("sum", "none") else 1
        if isinstance(size, int):
            return 1.0 / size if size else 0.0
    factor, kept = _entries(backend, values, weights, mask)
    if reduction == "sum_over_batch_size":
        return factor / backend.size(values) if kept is None else quotient(backend, factor, backend.total(kept))
    if reduction == "mean_with_sample_weight":
        total = backend.total(factor)
        _check_sum(loss, backend.host(total, wait=False), backend.host(factor, wait=False))
        return quotient(backend, factor, total)
    return factor


def _entries(backend: Backend, values: Array, weights: Array | None, mask: Array | None) -> tuple[Array, Array | None]:
    """What each value is multiplied by, and which of them count; None for all.

    Weights and mask may hold one entry for several values; the denominators count values.
    """
    ones = backend.ones_like(values)
    factor = ones if weights is None else ones * weights
    kept = None if mask is None else ones * backend.cast(mask, backend.dtype(values))
    return (factor if kept is None else factor * kept), kept


def denominator(backend: Backend, values: Array, weights: Array | None, mask: Array | None, reduction: str) -> Any:
    """What the sum of these values is divided by to be their mean: D of `factors`; an int where it is known."""
    factor, kept = _entries(backend, values, weights, mask)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return backend.total(factor)
    return backend.size(values) if kept is None else backend.total(kept)


def _check_sum(loss: str, total: Any, factor: Any) -> None:
    """Weights may be negative where they are only multiplied with; a mean is not divided by what they leave of 0."""
    if total is not None and factor is not None and total <= 0 and factor.any():
        raise texts.weight_sum(loss, float(total))


def quotient(backend: Backend, factor: Array, denominator: Array) -> Array:
    """The quotient; where nothing is left to divide by, what is divided."""
    return factor / backend.where(backend.equal(denominator, 0.0), backend.ones_like(denominator), denominator)


def reduce(backend: Backend, values: Array, factor: Array | float, reduction: str) -> Array:
    """The weighted values, or their sum."""
    weighted = values if isinstance(factor, float) and factor == 1.0 else values * factor
    return weighted if reduction == "none" else backend.total(weighted)
