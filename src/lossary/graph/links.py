"""Links: from a raw score, any number, to a prediction, and back.

What a host of raw scores needs to know of a link stands here and nowhere else.  The functions are written for whatever
spells the words: the graph's, which trace them, or an array library's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..facts.arguments import Role
from ..facts.domain import Domain, LogProbabilities, NonNegative, Probabilities, Real, Unit
from ..facts.record import Record
from . import words
from .diagonal import diagonal
from .exponentials import cancelled
from .node import Node

# Words, and a number or an array.
Mapped = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Link:
    """A way from raw scores to predictions (``inverse``) and back (``forward``), and the sets that it leads to."""

    name: str
    inverse: Mapped
    forward: Mapped
    onto: tuple[type[Domain], ...]
    is_of_rows: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return link, (self.name,)


def _softmax(w: Any, raw: Any) -> Any:
    odds = w.exp(raw - w.max(raw))
    return odds / w.sum(odds)


def _log_softmax(w: Any, raw: Any) -> Any:
    above = raw - w.max(raw)
    return above - w.log(w.sum(w.exp(above)))


LINKS: dict[str, Link] = {
    each.name: each
    for each in (
        Link("softmax", _softmax, lambda w, p: w.log(p), (Probabilities,), is_of_rows=True),
        Link("logit", lambda w, raw: w.sigmoid(raw), lambda w, p: w.log(p) - w.log1p(-p), (Unit,)),
        Link("log", lambda w, raw: w.exp(raw), lambda w, p: w.log(p), (NonNegative,)),
        Link("log_softmax", _log_softmax, lambda w, p: p, (LogProbabilities,), is_of_rows=True),
        Link("identity", lambda w, raw: raw, lambda w, p: p, (Domain,)),
    )
}


def link(name: str) -> Link:
    """The link of this name."""
    return LINKS[name]


def usual(domain: Domain) -> Link:
    """The link whose predictions are those of this set: softmax for rows of probabilities, identity for scores."""
    return next(each for each in LINKS.values() if isinstance(domain, each.onto))


def linked(record: Record, through: Link, off: tuple[str, ...] = ()) -> Record:
    """The same loss of raw scores; the parameters in ``off`` are 0."""
    own = dict.fromkeys(off, 0.0)

    def formula(y_true: Any, raw: Any, **parameters: Any) -> Any:
        value = record.formula(y_true, through.inverse(words, raw), **parameters, **own)
        # Rows are derived backward, where a branch that lost its condition is no longer kept from dividing 0 by 0.
        return value if through.is_of_rows else _cancelled(value)

    def slope(y_true: Any, raw: Any, **parameters: Any) -> Any:
        assert record.slope is not None
        prediction = through.inverse(words, raw)
        return cancelled(record.slope(y_true, prediction, **parameters, **own) * diagonal(prediction, raw))

    arguments = tuple(
        replace(each, domain=Real()) if each.role is Role.PREDICTION else each for each in record.arguments
    )
    has_slope = record.slope is not None and not through.is_of_rows
    return replace(
        record,
        formula=formula,
        slope=slope if has_slope else None,
        arguments=arguments,
        parameters=tuple(each for each in record.parameters if each.name not in off),
        builtin=False,
    )


def _cancelled(value: Any) -> Any:
    return cancelled(value) if isinstance(value, Node) else value
