"""The line through the space of predictions along which a loss is shown, told by its record; numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..backends import NUMPY
from ..calls.programs import program_for
from ..facts.domain import (
    Bits,
    Classes,
    Distance,
    LogProbability,
    NonNegative,
    OneHot,
    Probabilities,
    Real,
    Signs,
    Unit,
)
from ..objects.define import Loss
from ._paths import Path, path

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = Literal["shares", "scores", "direction"]

# Even, so that no point falls on the corner in the middle of a symmetric range.
POINTS = 800
CLASSES = 3
SOFT = 0.7


@dataclass(frozen=True)
class Line:
    """Predictions along a line.

    ``label`` says what its parameter ``x`` is, ``limits`` what range of it is shown, ``mark`` where the target lies.
    """

    label: str
    limits: tuple[float, float]
    x: Floats
    y_true: Any
    y_pred: Floats
    direction: Floats
    mark: float | None

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the loss is called with."""
        return self.y_true, self.y_pred

    @property
    def directions(self) -> tuple[Floats, ...]:
        """How each input with a gradient moves with ``x``."""
        return (self.direction,)


@dataclass(frozen=True)
class Curve:
    """A loss along its line: values, and slopes with respect to ``x``."""

    loss: Loss
    line: Line | Path
    value: Floats
    slope: Floats


def curve(loss: Loss) -> Curve:
    """Value and slope of a loss along the line that shows it best."""
    line: Line | Path = _line(loss) if loss.record.is_pair else path(loss)
    values, slopes = _measured(loss, line.arguments)
    along = sum(
        (np.reshape(slope, way.shape) * way).sum(-1) for slope, way in zip(slopes, line.directions, strict=True)
    )
    return Curve(loss, line, np.asarray(values), _with_gaps(np.asarray(along)))


def _measured(loss: Loss, arguments: Sequence[Any]) -> tuple[Floats, list[Floats]]:
    """Values and slopes; of a loss that compares data points, of what its formula sees."""
    if loss.record.compared:
        program = program_for(loss.record, loss.parameters, NUMPY)
        numbers = (loss.parameters[name] for name in program.numbers)
        values, *slopes = program.value_and_slope(NUMPY)(*arguments, *numbers)
        return values[:, 0], slopes
    rows = loss.replaced(axis=(-1,)) if loss.record.depth > 1 else loss
    return rows.lined_up(arguments).values_and_slopes()


def _with_gaps(slope: Floats) -> Floats:
    """The slope with a gap where it jumps, so that no vertical stroke is drawn there."""
    steps = np.abs(np.diff(slope))
    spread = float(np.quantile(slope, 0.95) - np.quantile(slope, 0.05))
    before = np.r_[np.inf, steps[:-1]]
    after = np.r_[steps[1:], np.inf]
    jumps = (steps > 0.15 * spread) & (steps > 20 * np.minimum(before, after))
    broken = slope.copy()
    broken[1:][jumps] = np.nan
    return broken


def shape_of_rows(loss: Loss) -> Rows | None:
    """What the predictions of a row are together, or None where each output is scored for itself."""
    if not loss.record.is_pair or isinstance(loss.record.target, Signs | Bits):
        return None
    if isinstance(loss.record.target, Probabilities | Classes):
        return "scores" if _is_raw(loss) else "shares"
    if loss.batch(np.ones((1, 2)), np.ones((1, 2))).program.separable:
        return None
    if is_list(loss):
        return "scores"
    return None if isinstance(loss.record.target, NonNegative) else "direction"  # Amounts have no direction.


def is_list(loss: Loss) -> bool:
    """Whether a row of scores is a list of items that are to be put in order of their relevance."""
    return isinstance(loss.record.target, NonNegative) and type(loss.record.prediction) is Real


def from_scores(loss: Loss, scores: Floats) -> tuple[Floats, Floats]:
    """The predictions that rows of scores stand for, and how they move with the first score."""
    direction = np.zeros_like(scores)
    direction[:, 0] = 1.0
    if not isinstance(loss.record.read_as(loss.parameters), LogProbability):
        return scores, direction
    logarithms = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    return logarithms, direction - np.exp(logarithms[:, :1])


def _is_raw(loss: Loss) -> bool:
    return loss.record.prediction_domain(loss.parameters).activation in ("linear", "log_softmax")


def _line(loss: Loss) -> Line:
    record = loss.record
    if isinstance(record.prediction, Distance):
        return _single("distance of two strangers", 0.0, 3.0, target=0.0)
    if isinstance(record.prediction, Unit) and isinstance(record.target, Real):
        what, reach = ("logit of", (-6.0, 6.0)) if _is_raw(loss) else ("probability given to", (0.004, 0.996))
        return _single(f"{what} an output whose target is 1", *reach, target=1.0)
    if isinstance(record.target, Signs):
        return _single(r"margin $y\,\hat{y}$", -2.5, 2.5, target=1.0, mark=1.0)
    if isinstance(record.target, Bits):
        if record.regions:
            return _region(loss)
        if _is_raw(loss):
            alone = _single("logit of the true class", -6.0, 6.0, target=1.0)
            return alone if np.ptp(loss.lined_up(alone.arguments).values()) else _beside_another()
        return _single("probability given to the true class", 0.004, 0.996, target=1.0, mark=1.0)
    rows = shape_of_rows(loss)
    if rows is not None:
        return {"scores": _scores, "shares": _shares, "direction": _angle}[rows](loss)
    if _depends_on_the_difference(loss):
        return _single(r"error $\hat{y} - y$", -3.0, 3.0, target=0.0, mark=0.0)
    if isinstance(record.target, NonNegative) and not loss.parameters.get("from_logs"):
        return _single(r"prediction $\hat{y}$ for the target $y = 1$", 0.02, 4.0, target=1.0, mark=1.0)
    return _single(r"prediction $\hat{y}$ for the target $y = 1$", -1.0, 3.0, target=1.0, mark=1.0)


def _beside_another() -> Line:
    """The score of a label that holds beside that of one that does not."""
    x = np.linspace(-2.5, 2.5, POINTS)
    way = np.tile([1.0, 0.0], (POINTS, 1))
    return Line("lead of a label that holds over one that does not", (-2.5, 2.5), x, way, x[:, None] * way, way, None)


def _region(loss: Loss) -> Line:
    """A region of one element in four, to all of which the same probability of the truth is given."""
    y_true = np.tile([1.0, 0.0, 0.0, 0.0], (POINTS, 1))
    sides = 2.0 * y_true - 1.0
    where = "the truth, in a region of 1 element in 4"
    if _is_raw(loss):
        x = np.linspace(-6.0, 6.0, POINTS)
        return Line(f"logit of {where}", (-6.0, 6.0), x, y_true, x[:, None] * sides, sides, None)
    x = np.linspace(0.004, 0.996, POINTS)
    given = np.where(y_true == 1.0, x[:, None], 1.0 - x[:, None])
    return Line(f"probability given to {where}", (0.0, 1.0), x, y_true, given, sides, 1.0)


def _depends_on_the_difference(loss: Loss) -> bool:
    if isinstance(loss.record.target, NonNegative):
        return False
    difference = np.array([[-2.0], [-0.5], [0.25], [3.0]])
    here, there = (loss.batch(at + 0 * difference, at + difference).values() for at in (0.0, 1.5))
    return bool(np.allclose(here, there, rtol=1e-6))


def _single(label: str, low: float, high: float, *, target: float, mark: float | None = None) -> Line:
    x = np.linspace(low, high, POINTS)
    column = x[:, None]
    return Line(label, _limits(low, high), x, np.full_like(column, target), column, np.ones_like(column), mark)


def _limits(low: float, high: float) -> tuple[float, float]:
    """The range without the little that keeps away from a pole at 0 or 1."""
    return round(low, 1), round(high, 1)


def _targets(loss: Loss) -> Any:
    """Class 0 is the true one; where targets are soft by nature it has the share `SOFT`."""
    if loss.record.labels_are_integers:
        return np.zeros(POINTS, np.int64)
    first = 1.0 if isinstance(loss.record.target, OneHot) or is_list(loss) else SOFT
    row = np.array([first, *[(1.0 - first) / (CLASSES - 1)] * (CLASSES - 1)])
    return np.tile(row, (POINTS, 1))


def _shares(loss: Loss) -> Line:
    x = np.linspace(0.004, 0.996, POINTS)
    others = [(1.0 - x) / (CLASSES - 1)] * (CLASSES - 1)
    direction = np.array([1.0, *[-1.0 / (CLASSES - 1)] * (CLASSES - 1)])
    y_true = _targets(loss)
    soft = y_true.ndim == 2 and y_true[0, 0] != 1.0
    label = (
        f"probability given to a class, where its share is {SOFT}" if soft else "probability given to the true class"
    )
    mark = SOFT if soft else 1.0
    return Line(label, (0.0, 1.0), x, y_true, np.stack([x, *others], -1), np.tile(direction, (POINTS, 1)), mark)


def scores_of(loss: Loss) -> tuple[str, float]:
    """What raw outputs are called, and how far from 0 they are shown."""
    return ("logit", 6.0) if "from_logits" in loss.parameters else ("score", 2.5)


def _scores(loss: Loss) -> Line:
    what, reach = scores_of(loss)
    x = np.linspace(-reach, reach, POINTS)
    y_pred = np.zeros((POINTS, CLASSES))
    y_pred[:, 0] = x
    y_pred, direction = from_scores(loss, y_pred)
    own = "relevant item" if is_list(loss) else "true class"
    label = f"lead of the {own}'s {what} over {CLASSES - 1} others"
    return Line(label, _limits(x[0], x[-1]), x, _targets(loss), y_pred, direction, None)


def plane(loss: Loss) -> Floats:
    """The target, of length 1, and a direction across it: in a plane, or of rows without a mean where none counts."""
    row = np.array([[0.5, -1.0, 2.0]])
    before, after = (float(loss.batch(row, row[:, ::-1] + shift).values()[0]) for shift in (0.0, 1.0))
    if not np.isclose(before, after, rtol=1e-6):
        return np.eye(2)
    return np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])


def _angle(loss: Loss) -> Line:
    angle, basis = np.linspace(-np.pi, np.pi, POINTS), plane(loss)
    y_pred = np.stack([np.cos(angle), np.sin(angle)], -1) @ basis
    y_true = np.tile(basis[0], (POINTS, 1))
    direction = np.stack([-np.sin(angle), np.cos(angle)], -1) @ basis
    label = r"angle between $\hat{y}$ and $y$ in radians"
    return Line(label, (-3.2, 3.2), angle, y_true, y_pred, direction, 0.0)
