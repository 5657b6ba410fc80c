"""The plane through the space of predictions over which a row loss is shown; numbers only.

Shares of three classes fill a triangle, raw scores of three classes are shown against the third, directions in a plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..facts.domain import OneHot
from ..objects.define import Loss
from ._curves import Floats, Rows, from_scores, is_list, plane, scores_of, shape_of_rows

STEPS = 150
# The target where targets are distributions by nature.
SOFT = (0.7, 0.2, 0.1)
# Keeps shares off 0, where a loss without a clip is infinite.
EDGE = 1e-9
# Corners of the triangle on the page: the true class on top.
CORNERS = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])


@dataclass(frozen=True)
class Surface:
    """A loss over a plane.

    ``x`` and ``y`` are places on the page, ``value`` and ``slope`` what the loss is there; ``mark`` is the place of the
    target, ``edges`` are the lines at which the true class, called ``own``, begins to win; ``names`` are those of the
    axes or corners.
    """

    loss: Loss
    rows: Rows
    own: str
    names: tuple[str, ...]
    x: Floats
    y: Floats
    value: Floats
    slope: Floats
    slope_name: str
    mark: tuple[float, float] | None
    edges: tuple[Floats, ...]


def surface(loss: Loss) -> Surface | None:
    """Value and slope of a row loss; None for a loss of single outputs, which has nothing to show but a curve."""
    rows = shape_of_rows(loss)
    return None if rows is None else {"shares": _shares, "scores": _scores, "direction": _directions}[rows](loss)


def _at(loss: Loss, y_true: Any, y_pred: Floats) -> tuple[Floats, Floats]:
    values, (slopes,) = loss.batch(y_true, y_pred).values_and_slopes()
    return np.asarray(values), np.reshape(slopes, y_pred.shape)


def _targets(loss: Loss, rows: int) -> tuple[Any, Floats]:
    """The targets of so many rows, and one of them as shares."""
    is_hard = loss.record.labels_are_integers or isinstance(loss.record.target, OneHot) or is_list(loss)
    share = np.array([1.0, 0.0, 0.0] if is_hard else SOFT)
    return np.zeros(rows, np.int64) if loss.record.labels_are_integers else np.tile(share, (rows, 1)), share


def _own(target: Floats, loss: Loss) -> str:
    return "the relevant item" if is_list(loss) else "the true class" if target[0] == 1.0 else "class 1"


def _shares(loss: Loss) -> Surface:
    first, second = np.meshgrid(np.arange(STEPS + 1), np.arange(STEPS + 1))
    inside = first + second <= STEPS
    whole = np.stack([first[inside], second[inside], STEPS - first[inside] - second[inside]], -1) / STEPS
    shares = (1.0 - 3.0 * EDGE) * whole + EDGE
    y_true, target = _targets(loss, len(shares))
    value, slopes = _at(loss, y_true, shares)
    # The share of the true class grows, the others shrink in proportion.
    towards = (np.array([1.0, 0.0, 0.0]) - shares) / (1.0 - shares[:, :1])
    x, y = (whole @ CORNERS).T
    own = _own(target, loss)
    names: tuple[str, ...] = ("the true class", "another class", "a third class")
    if target[0] != 1.0:
        names = tuple(f"class {number}\n(target {share:g})" for number, share in enumerate(SOFT, 1))
    middle = np.full(3, 1.0 / 3.0) @ CORNERS
    edges = tuple(np.array([middle, np.array(half) @ CORNERS]) for half in ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5)))
    return Surface(
        loss=loss,
        rows="shares",
        own=own,
        names=names,
        x=x,
        y=y,
        value=value,
        slope=(slopes * towards).sum(-1),
        slope_name=f"slope towards {own}",
        mark=(float((target @ CORNERS)[0]), float((target @ CORNERS)[1])),
        edges=edges,
    )


def _scores(loss: Loss) -> Surface:
    what, reach = scores_of(loss)
    x, y = _square(reach)
    scores, towards = from_scores(loss, np.stack([x, y, np.zeros_like(x)], -1))
    y_true, target = _targets(loss, len(x))
    value, slopes = _at(loss, y_true, scores)
    own = _own(target, loss)
    other = "item" if is_list(loss) else "class"
    return Surface(
        loss=loss,
        rows="scores",
        own=own,
        names=(f"{what} of {own}", f"{what} of another {other}, the third's being 0"),
        x=x,
        y=y,
        value=value,
        slope=(slopes * towards).sum(-1),
        slope_name=f"slope along the {what} of {own}",
        mark=None,
        edges=(np.array([[0.0, -reach], [0.0, 0.0], [reach, reach]]),),
    )


def _directions(loss: Loss) -> Surface:
    x, y = _square(2.0)
    basis = plane(loss)
    value, slopes = _at(loss, np.tile(basis[0], (len(x), 1)), np.stack([x, y], -1) @ basis)
    names = (r"prediction $\hat{y}_1$", r"prediction $\hat{y}_2$")
    if basis.shape[1] > 2:
        names = ("prediction along the target", "prediction across it")
    return Surface(
        loss=loss,
        rows="direction",
        own="",
        names=names,
        x=x,
        y=y,
        value=value,
        slope=np.asarray(np.linalg.norm(slopes, axis=-1)),
        slope_name="steepness (length of the gradient)",
        mark=(1.0, 0.0),
        edges=(),
    )


def _square(reach: float) -> tuple[Floats, Floats]:
    # Even, so that no point falls on the corner in the middle.
    along = np.linspace(-reach, reach, STEPS)
    x, y = np.meshgrid(along, along)
    return x.ravel(), y.ravel()
