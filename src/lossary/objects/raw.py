"""Losses of raw scores: a loss behind the link that leads from any number to its predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import texts
from ..backends import NUMPY
from ..calls.programs import program_for
from ..facts import registry
from ..facts.domain import Probabilities, Real
from ..facts.record import Record
from ..graph.links import LINKS, Link, linked, usual
from .combined import WeightedSum
from .loss import Loss
from .parameters import OBJECT_SETTINGS

__all__ = ["LINKS", "Link", "RawLoss", "link_of", "raw"]


class RawLoss(Loss):
    """A loss of raw scores, which a link makes predictions of."""

    def __init__(self, loss: Loss, link: Link) -> None:
        off = _off(loss, link)
        vars(self).update(record=registry.kept(linked(loss.record, link, off)), _made_of=(loss, link))
        kept = {name: value for name, value in loss.parameters.items() if name not in off}
        super().__init__(**{name: getattr(loss, name) for name in OBJECT_SETTINGS}, **kept)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return RawLoss, vars(self)["_made_of"]


def _off(loss: Loss, link: Link) -> tuple[str, ...]:
    """What keeps predictions away from 0, unless it was set: a link never leads there."""
    default = loss.record.defaults().get("epsilon")
    inside = not isinstance(loss.record.prediction, Real) and link.name != "identity"
    unset = inside and default is not None and loss.parameters["epsilon"] == default
    return ("epsilon",) if unset and _is_finite_without(loss) else ()


def _is_finite_without(loss: Loss) -> bool:
    """Whether a loss of distributions needs no guard for targets of 0 either."""
    if not isinstance(loss.record.target, Probabilities):
        return True
    plain = loss.replaced(epsilon=0.0, reduction="sum", check="off")
    with np.errstate(all="ignore"):
        return bool(np.isfinite(plain(np.eye(2), np.full((2, 2), 0.5))))


def link_of(loss: Loss, name: Any = "auto") -> Link:
    """The link of this name; with ``"auto"`` the one that leads to the predictions of the loss."""
    if name == "auto":
        return _usual(loss)
    if not isinstance(name, str) or name not in LINKS:
        raise texts.unknown_choice(loss.name, "link", name, ["auto", *LINKS])
    return LINKS[name]


def _usual(loss: Loss) -> Link:
    if not isinstance(loss, WeightedSum):
        return usual(loss.record.prediction)
    names = dict.fromkeys(_usual(term).name for term in loss.terms)
    if len(names) > 1:
        raise texts.links_differ(names)
    return LINKS[next(iter(names))]


def raw(loss: Loss, link: Link) -> Loss:
    """The loss of raw scores behind this link; by its own form from logits where it has one."""
    if isinstance(loss, WeightedSum):
        return WeightedSum([(weight, raw(term, link)) for weight, term in zip(loss.weights, loss.terms, strict=True)])
    record = loss.record
    _check(record)
    if loss.parameters.get("from_logs") and link is usual(record.prediction):
        loss = loss.replaced(from_logs=False)  # The same raw scores: logarithms are what its link begins with.
    if "from_logits" in loss.parameters:
        own = usual(record.prediction)
        if link is own:
            return loss if loss.parameters["from_logits"] else loss.replaced(from_logits=True)
        if loss.parameters["from_logits"]:
            if link.name != "identity":
                raise texts.link_of_logits(record, link.name)
            return loss
    if link.name == "softmax" and "from_logs" in loss.parameters and _off(loss, link):
        # Of logarithms nothing is clipped, and nothing but a sum of targets stands before the shares.
        loss, link = loss.replaced(from_logs=True), LINKS["log_softmax"]
    if link.is_of_rows and program_for(record, loss.parameters, NUMPY).separable:
        raise texts.link_of_rows(record, link.name)
    return loss if link.name == "identity" and registry.is_enrolled(record) else RawLoss(loss, link)


def _check(record: Record) -> None:
    """Raises where a loss has no raw score per output."""
    if record.regions:
        raise texts.of_regions(record)
    if record.compared or record.depth > 1:
        raise texts.of_wholes(record)
    if not record.has_usual_names or len(record.predictions) != 1:
        raise texts.several_predictions(record)
