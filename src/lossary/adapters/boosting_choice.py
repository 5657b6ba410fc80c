"""Which curvature suits a loss: its own where that is above 0 and does not die out, else one that keeps steps short."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..backends import NUMPY
from ..facts.axes import ELEMENT
from ..facts.domain import OneHot, Real
from ..objects.combined import WeightedSum
from ..objects.curvature import Curvature, spelled
from ..objects.loss import Loss
from ..objects.raw import Link

Floats = np.ndarray[Any, Any]


class Choice(NamedTuple):
    """A kind of Hessian, and why."""

    hessian: str
    reason: str


# A Hessian that is less than this share of slope over difference far out leaves steps that are far too long.
_DIED_OUT = 0.05
_FAR = 100.0
_TARGETS, _ROW = 24, 4


def chosen(loss: Loss, link: Link) -> Choice:
    """The Hessian for boosting with this loss, found by looking at it near its targets and far from them."""
    exact = Curvature(loss, link, "exact")
    rows = not (_has_majorizer(loss) and exact.separable)
    y_true, raw, away = _rows(loss, _outputs(loss) or _ROW) if rows else _points(loss, link)
    far = np.abs(away) >= _FAR
    with np.errstate(all="ignore"):
        slope, curve = exact(y_true, raw)
        share = np.min(curve * away / slope, where=far & (slope != 0.0), initial=np.inf)
    finite = np.isfinite(curve) & ~far
    least, most = (float(curve[finite].min()), float(np.abs(curve[finite]).max())) if finite.any() else (0.0, 0.0)
    if most == 0.0:
        reason = "its second derivative is 0 wherever there is one"
    elif least <= -1e-9 * most:
        reason = "its second derivative is negative in places"
    elif least <= 0.0:
        reason = "its second derivative is 0 in places"
    elif _is_location(loss, link) and share < _DIED_OUT:
        reason = "its second derivative dies out far from the target"
    else:
        return Choice("exact", "its second derivative is above 0 everywhere")
    if rows or link.name not in ("identity", "log"):
        return Choice("constant" if most == 0.0 else "positive", reason)
    return Choice("majorizer", reason)


def _points(loss: Loss, link: Link) -> tuple[Floats, Floats, Floats]:
    """Targets, raw scores near them and far away, and how far away."""
    targets = _targets(loss)
    with np.errstate(all="ignore"):
        best = np.clip(np.nan_to_num(link.forward(spelled(NUMPY), targets), posinf=5.0, neginf=-5.0), -1e6, 1e6)
    steps = np.array([0.1, 0.7, 3.0, 10.0, *([_FAR, 10.0 * _FAR] if _is_location(loss, link) else [])])
    steps = np.concatenate([-steps, steps])
    away = np.broadcast_to(steps, (len(best), len(steps)))
    raw = best[:, None] + away
    outputs = _outputs(loss)
    found = np.stack([np.repeat(targets, len(steps)), raw.ravel(), away.ravel()])
    y_true, raw, away = np.repeat(found[..., None], outputs, axis=-1) if outputs else found
    return y_true, raw, away


def _outputs(loss: Loss) -> int:
    """How many outputs the settings of a loss are for, or 0 for any number."""
    name = "pos_weight" if _has_majorizer(loss) else "class_weight"
    given = [term.parameters.get(name) for term in _terms(loss)]
    return next((len(each) for each in given if isinstance(each, tuple)), 0)


def _targets(loss: Loss) -> Floats:
    rng = np.random.default_rng(0)
    found: Floats = loss.record.arguments[0].sample(rng, (_TARGETS, 1))
    return found[:, 0].astype(np.float64)


def _rows(loss: Loss, outputs: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(0)
    y_true = loss.record.arguments[0].sample(rng, (_TARGETS, outputs))
    raw = rng.normal(size=(_TARGETS, outputs)) * np.geomspace(0.1, 8.0, _TARGETS)[:, None]
    return y_true, raw, np.zeros_like(raw)


def _is_location(loss: Loss, link: Link) -> bool:
    """Whether targets and raw scores are numbers of one kind, so that a difference says how far off a score is."""
    return link.name == "identity" and type(loss.record.target) is Real


def _terms(loss: Loss) -> tuple[Loss, ...]:
    return loss.terms if isinstance(loss, WeightedSum) else (loss,)


def _has_majorizer(loss: Loss) -> bool:
    """Whether every output has a target of its own, as far as one output per data point is concerned."""
    records = [term.record for term in _terms(loss)]
    return all(r.is_pair and r.inputs[0].axes == ELEMENT and not isinstance(r.target, OneHot) for r in records)
