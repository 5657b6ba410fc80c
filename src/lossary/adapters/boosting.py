"""What the objectives and metrics of all boosters share: derivatives in NumPy, starts, links.

No host is imported here or by what is made of it: objectives are called by their hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from .. import texts
from ..backends import NUMPY
from ..facts.domain import Classes, OneHot
from ..objects.constant import best_raw
from ..objects.curvature import FLOOR, HESSIANS, Curvature, spelled
from ..objects.get import get
from ..objects.loss import Loss
from ..objects.raw import link_of, raw
from .boosting_choice import chosen

Floats = np.ndarray[Any, Any]
# A parabola around a target that is almost met would hold its whole leaf fast: none is steeper than this many times
# the median one.  Of 10, 100 and no bound, 10 left the least loss after 100 rounds.
_STEEPEST = 10.0


@dataclass(frozen=True)
class Convention:
    """A host's own objective for a loss: its name, and what it multiplies both derivatives and the second one by."""

    name: str
    factor: float = 1.0
    curve: float = 1.0
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Boosting:
    """A loss as derivatives of raw scores.

    ``hessian`` is what ``"auto"`` came to, and ``reason`` why; ``link`` is the name of the link.
    """

    conventions: ClassVar[Mapping[str, Convention]] = {}
    # What to write where the host was not told how many classes there are.
    classes: ClassVar[str] = "num_class=3 among the parameters"

    def __init__(self, loss: Any, link: str = "auto", hessian: str = "auto", scale: float | str = "auto") -> None:
        self.loss: Loss = get(loss)
        self._arguments = (self.loss, link, hessian, scale)
        if hessian not in ("auto", *HESSIANS):
            raise texts.unknown_choice(self.loss.name, "hessian", hessian, ["auto", *HESSIANS])
        if scale != "auto" and not (isinstance(scale, int | float) and scale > 0):
            raise texts.unknown_choice(self.loss.name, "scale", scale, ["auto", "a number > 0"])
        self._link = link_of(self.loss, link)
        self.link = self._link.name
        self.hessian, self.reason = chosen(self.loss, self._link) if hessian == "auto" else (hessian, "as asked for")
        self.curvature = Curvature(self.loss, self._link, self.hessian)
        self.convention = self._convention()
        labels = isinstance(self.loss.record.target, Classes | OneHot)
        self._of_rows = not (labels or self.curvature.separable)
        self.scale = scale

    def _convention(self) -> Convention | None:
        usual = self._link is link_of(self.loss)
        return self.conventions.get(self.loss.record.name) if usual else None

    def __repr__(self) -> str:
        kind = f"{type(self).__module__.rsplit('.', 1)[-1]}.{type(self).__name__}"
        return f"<{kind} of {self.loss!r}: link={self.link!r}, hessian={self.hessian!r}, {self.reason}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def __deepcopy__(self, _: Any) -> Self:
        """Itself, as it never changes: hosts that copy their parameters can be cloned by scikit-learn then."""
        return self

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._arguments == other._arguments

    def __hash__(self) -> int:
        return hash((type(self), self._arguments))

    @property
    def __name__(self) -> str:
        """The name of the loss, for a host's log."""
        return self.loss.name

    def derivatives(self, y_true: Any, scores: Any, weight: Any = None) -> tuple[Floats, Floats]:
        """Gradient and Hessian as a host wants them, in the shape of the scores."""
        scores = np.asarray(scores)
        weight = None if weight is None or np.size(weight) == 0 else np.asarray(weight)
        slope, curve = self._derived(self.targets(y_true, scores), scores, weight)
        if self.hessian == "majorizer":
            slope, curve = _evened(slope, curve)
        factor, steeper = self._factors(scores)
        if factor != 1.0:
            slope, curve = slope * factor, curve * factor
        if steeper != 1.0:
            curve = curve * steeper
        return slope, _floored(curve, weight)

    def _derived(self, y_true: Any, scores: Floats, weight: Any = None) -> tuple[Floats, Floats]:
        """Both derivatives; a host's scores (N,) are N data points of one output, whatever the loss."""
        if not self._of_rows or scores.ndim != 1:
            return self.curvature(y_true, scores, weight)
        slope, curve = self.curvature(y_true.reshape(-1, 1), scores[:, None], weight)
        if not (slope.any() and curve.any()):
            raise texts.one_score(self.loss.record)
        return slope[:, 0], curve[:, 0]

    def _factors(self, scores: Floats) -> tuple[Any, float]:
        own = self.convention
        if self.scale != "auto":
            return self.scale, 1.0
        if own is None or self.hessian in ("majorizer", "constant"):
            return 1.0 if own is None or self.hessian == "majorizer" else own.factor, 1.0
        return own.factor, self._steeper(own, scores)

    def _steeper(self, own: Convention, scores: Floats) -> float:
        """What this host multiplies the second derivative by."""
        return own.curve

    def targets(self, y_true: Any, scores: Floats) -> Any:
        """The targets as the loss takes them: labels as whole numbers, or one column per class."""
        return targets(self.loss, y_true, scores, self.classes)

    def start(self, y_true: Any, weight: Any = None) -> Floats:
        """The raw scores, one per output, from which boosting starts best."""
        y = np.asarray(y_true)
        if isinstance(self.loss.record.target, OneHot) and y.ndim == 1:
            y = np.eye(int(y.max()) + 1)[y.astype(np.int64)]
        elif isinstance(self.loss.record.target, Classes):
            y = y.astype(np.int64)
        return best_raw(self.loss, self._link, y, weight)

    def inverse_link(self, scores: Any) -> Floats:
        """The predictions that raw scores stand for."""
        with np.errstate(over="ignore"):
            found: Floats = self._link.inverse(spelled(NUMPY), np.asarray(scores))
        return found


def _floored(curve: Floats, weight: Floats | None) -> Floats:
    """Second derivatives of at least `FLOOR` each, times their weights, whose sign they keep."""
    if weight is None:
        return np.maximum(curve, FLOOR)
    least = FLOOR * weight.reshape(weight.shape + (1,) * (curve.ndim - weight.ndim))
    floored: Floats = np.maximum(curve, least)
    return floored if weight.min() >= 0.0 else np.where(least < 0.0, np.minimum(curve, least), floored)


def _evened(slope: Floats, curve: Floats) -> tuple[Floats, Floats]:
    """Parabolas without needles, and of 1 on average, so that a host's limits on leaves count data points."""
    size = np.abs(curve)
    if size.any():
        steepest = _STEEPEST * np.median(size[size > 0.0])
        curve = np.clip(curve, -steepest, steepest)
        mean = curve.dtype.type(np.minimum(size, steepest).mean(dtype=np.float64))
        slope, curve = slope / mean, curve / mean
    return slope, curve


def targets(loss: Loss, y_true: Any, scores: Floats, classes: str) -> Any:
    """Targets from a host, as the loss takes them."""
    y = np.asarray(y_true)
    target = loss.record.target
    if not isinstance(target, Classes | OneHot):
        return y.reshape(scores.shape) if y.size == scores.size and y.shape != scores.shape else y
    columns = scores.shape[1] if scores.ndim == 2 else 1
    labels = y.ndim == 1 or y.shape[-1] == 1
    if labels and y.size and y.max() >= columns:
        raise texts.classes_of_scores(loss.name, columns, int(y.max()) + 1, classes)
    if isinstance(target, Classes):
        return y.reshape(-1).astype(np.int64)
    return np.eye(columns, dtype=scores.dtype)[y.reshape(-1).astype(np.int64)] if labels else y


class Measure:
    """The weighted mean of a loss, of raw scores behind its link."""

    classes: ClassVar[str] = Boosting.classes

    def __init__(self, loss: Any, link: str = "auto", name: str | None = None) -> None:
        self.loss: Loss = get(loss)
        self._arguments = (self.loss, link, name)
        self._link = link_of(self.loss, link)
        self._raw = raw(self.loss, self._link)
        self.__name__ = name or self.loss.name

    def __repr__(self) -> str:
        return f"<metric {self.__name__} of {self.loss!r}: link={self._link.name!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def __deepcopy__(self, _: Any) -> Self:
        """Itself, as it never changes."""
        return self

    def value(self, y_true: Any, scores: Any, weight: Any = None) -> float:
        """The weighted mean."""
        return float(self._reduced("mean_with_sample_weight", y_true, scores, weight))

    def values(self, y_true: Any, scores: Any, weight: Any = None) -> Floats:
        """The weighted loss of every data point."""
        found: Floats = np.asarray(self._reduced("none", y_true, scores, weight))
        return found

    def _reduced(self, reduction: str, y_true: Any, scores: Any, weight: Any) -> Any:
        scores = np.asarray(scores, np.float64)
        weight = None if weight is None or np.size(weight) == 0 else np.asarray(weight)
        y_true = targets(self.loss, y_true, scores, self.classes)
        return self._raw.replaced(reduction=reduction)(y_true, scores, weight)
