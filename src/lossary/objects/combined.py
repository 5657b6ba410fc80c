"""Weighted sums of losses, which are losses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Self

import numpy as np

from .. import texts
from .._marks import unconverted
from ..backends import Array
from ..facts import registry
from ..facts.arguments import Argument, target_and_prediction
from ..facts.domain import Domain, Real
from ..facts.record import Parameter, Record
from ..graph import words
from ..graph.program import seen
from .loss import Loss, plain, settings_of
from .parameters import OBJECT_SETTINGS, number, valid_settings
from .restore import known
from .total import TotalOfTerms

_WEIGHT = Parameter("weight", default=1.0, allowed=None, positional=False)


@registry.compose
@unconverted
class WeightedSum(Loss):
    """``0.5 * lossary.MeanSquaredError() + lossary.Huber()``: each term times its weight, added up.

    Every term reduces its own values with the same weights and mask, so the sum of the reduced losses is the loss.
    With ``reduction="none"`` the terms need as many values as each other.

    Args:
        terms: Pairs of a weight and a loss.
        reduction: The reduction of every term; by default that which they have in common.
        axis: The axis of every term; by default each keeps its own.
        name: Name in logs and configurations.
        check: How much every term checks; by default each keeps its own.

    Raises:
        ParameterError: The terms have different reductions, or one reads integer labels and another does not.

    >>> import lossary
    >>> loss = lossary.Huber() + 0.5 * lossary.MeanSquaredError()
    >>> loss, float(loss([[1.0, 2.0]], [[1.0, 4.0]]))  # (0 + 1.5)/2 + (0 + 4)/2/2
    (Huber() + 0.5 * MeanSquaredError(), 1.75)
    >>> lossary.get(loss.get_config()) == loss
    True
    """

    weights: tuple[Any, ...]
    terms: tuple[Loss, ...]

    def __init__(self, terms: Iterable[tuple[Any, Loss]], *, name: str | None = None, **settings: Any) -> None:
        pairs = list(terms)
        stray = sorted(settings.keys() - set(OBJECT_SETTINGS))
        if stray:
            raise texts.unknown_parameter("weighted_sum", stray[0], ["terms", *OBJECT_SETTINGS])
        common = valid_settings("weighted_sum", settings)
        losses = tuple(term.replaced(**common) if common else term for _, term in pairs)
        _same_kind(losses)
        weights = tuple(_weight(weight) for weight, _ in pairs)
        vars(self).update(weights=weights, terms=losses, record=_record(weights, losses))
        shared = {key: getattr(losses[0], key) for key in ("axis", "check") if _is_shared(losses, key)}
        super().__init__(reduction=losses[0].reduction, name=name, **shared)

    @staticmethod
    def added(loss: Loss, other: Any) -> Any:
        """``loss + other``; 0 is what `sum` starts with."""
        if isinstance(other, Loss):
            return WeightedSum([*_pairs(loss), *_pairs(other)])
        return loss if isinstance(other, int) and other == 0 and not isinstance(other, bool) else NotImplemented

    @staticmethod
    def weighted(loss: Loss, weight: Any) -> Any:
        """``weight * loss``."""
        if isinstance(weight, Loss | str | list | tuple | dict | None):
            return NotImplemented
        factor = _weight(weight)
        return WeightedSum([(factor * own, term) for own, term in _pairs(loss)])

    def replaced(self, **changes: Any) -> Self:
        """The same sum but for these settings, of every term."""
        known = {"name": self.name, **changes}
        made = super().replaced(name=known["name"])
        again = WeightedSum(zip(self.weights, self.terms, strict=True), **known)
        vars(made).update({k: v for k, v in vars(again).items() if k not in self._own()})
        return made

    def __call__(self, *arguments: Any, sample_weight: Any = None, where: Any = None, **named: Any) -> Array:
        """The sum of the reduced losses; what the terms take, it takes."""
        # Named, because scikit-learn reads off a signature whether there are weights to ask about.
        asked = {"sample_weight": sample_weight, "where": where}
        named |= {name: value for name, value in asked.items() if value is not None}
        return self._added([term(*arguments, **named) for term in self._reducing()])

    def by_term(self, *arguments: Any, **named: Any) -> dict[str, Array]:
        """What each term adds to the loss, weight included, by the terms' names: for logs, and to balance weights.

        >>> import lossary
        >>> loss = lossary.Huber() + 0.5 * lossary.MeanSquaredError()
        >>> {name: float(value) for name, value in loss.by_term([[1.0, 2.0]], [[1.0, 4.0]]).items()}
        {'huber': 0.75, 'mean_squared_error': 1.0}
        """
        found: dict[str, Array] = {}
        for weight, term in self._weighted(self._reducing()):
            repeated = sum(name.partition("#")[0] == term.name for name in found)
            name = f"{term.name}#{repeated + 1}" if repeated else term.name
            found[name] = weight * term(*arguments, **named)
        return found

    def value_and_grad(self, *arguments: Any, **named: Any) -> tuple[Array, Any]:
        """The sum and its gradient, in the structure of the predictions."""
        pairs = [term.value_and_grad(*arguments, **named) for term in self._reducing()]
        return self._added([value for value, _ in pairs]), self._added([gradient for _, gradient in pairs])

    def total(self, *arguments: Any, **named: Any) -> TotalOfTerms:  # type: ignore[override]
        """As `Loss.total`, with the sum and the weight of every term."""
        totals = [term.total(*arguments, **named) for term in self._reducing()]
        return TotalOfTerms(
            tuple(total if weight == 1.0 else weight * total for weight, total in self._weighted(totals))
        )

    def _reducing(self) -> list[Loss]:
        return [
            term if term.reduction == self.reduction else term.replaced(reduction=self.reduction) for term in self.terms
        ]

    def _added(self, values: list[Any]) -> Any:
        if isinstance(values[0], tuple):
            return tuple(self._added(list(each)) for each in zip(*values, strict=True))
        shapes = [tuple(getattr(value, "shape", ())) for value in values]
        if len(set(shapes)) > 1:
            raise texts.terms_shapes(self.record.name, shapes)
        weighted = [value if weight == 1.0 else weight * value for weight, value in self._weighted(values)]
        return sum(weighted[1:], start=weighted[0])

    def _weighted(self, values: list[Any]) -> Iterable[tuple[Any, Any]]:
        return zip(self.weights, values, strict=True)

    def get_config(self) -> dict[str, Any]:
        """Plain data from which `lossary.get` makes an equal object."""
        terms = [
            {"weight": plain(weight), "loss": term.get_config()}
            for weight, term in zip(self.weights, self.terms, strict=True)
        ]
        return {"class_name": "lossary>WeightedSum", "config": {"name": self.name, "terms": terms}}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> WeightedSum:
        """The sum of a configuration."""
        settings = settings_of(config)
        try:
            terms = [(term["weight"], _term(term["loss"])) for term in settings.pop("terms")]
        except (KeyError, TypeError):
            raise texts.not_a_configuration(config) from None
        return cls(terms, **settings)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The terms, and the settings, by name."""
        terms = list(zip(self.weights, self.terms, strict=True))
        return {"terms": terms, "reduction": self.reduction, "name": self.name}

    def parts(self) -> dict[str, Any]:
        """The terms, by position."""
        return {str(position): term for position, term in enumerate(self.terms)}

    def with_parts(self, parts: Mapping[str, Any]) -> Self:
        """The same sum of these terms."""
        return self._restored({**self.__getstate__(), "terms": tuple(parts.values())})

    def _key(self) -> tuple[Any, ...]:
        return (type(self), self.weights, self.terms, self.name, self.reduction)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "record": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__({**state, "record": _record(state["weights"], state["terms"])})

    def __repr__(self) -> str:
        shown = [
            repr(term) if weight == 1.0 else f"{weight!r} * {term!r}"
            for weight, term in zip(self.weights, self.terms, strict=True)
        ]
        return " + ".join(shown)


def _record(weights: tuple[Any, ...], terms: tuple[Loss, ...]) -> Record:
    """What is known of a sum: the sets that its terms share, and the formula that they make."""

    def formula(*arguments: Any) -> Any:
        values = [words.mean(_value(term, arguments)) for term in terms]
        return sum((w * value for w, value in zip(weights[1:], values[1:], strict=True)), start=weights[0] * values[0])

    return Record(
        name="weighted_sum",
        formula=formula,
        slope=None,
        aliases=(),
        class_name="WeightedSum",
        arguments=_arguments(terms),
        compared=_compared(terms),
        parameters=(),
        definition="",
        source="",
        cases=(),
        builtin=False,
    )


def _arguments(terms: tuple[Any, ...]) -> tuple[Argument, ...]:
    """Those of the terms, in the sets that all share; a framework that copies a sum may put anything in their place."""
    if not all(isinstance(term, Loss) for term in terms):
        return target_and_prediction(Real(), Real())
    return tuple(_shared(each) for each in zip(*map(_in_their_sets, terms), strict=True))


def _compared(terms: tuple[Any, ...]) -> str:
    found = {term.record.compared for term in terms if isinstance(term, Loss)}
    return found.pop() if len(found) == 1 else ""


def _in_their_sets(term: Loss) -> list[Argument]:
    """The arguments of a term, in the sets that its parameters make of them."""
    record, place, found = term.record, 0, []
    for argument in record.arguments:
        found.append(argument if argument.parts else replace(argument, domain=record.domain(place, term.parameters)))
        place += len(argument.inputs)
    return found


def _shared(arguments: tuple[Argument, ...]) -> Argument:
    first, domains = arguments[0], tuple(dict.fromkeys(each.domain for each in arguments))
    return first if first.parts or len(domains) == 1 else replace(first, domain=_inmost(domains))


@cache
def _inmost(domains: tuple[Domain, ...]) -> Domain:
    """The set that lies in all others, as one-hot rows do in numbers from 0 to 1, if it is one of them."""
    drawn = {domain: domain.sample(np.random.default_rng(0), (8, 4)) for domain in domains}
    within = (own for own, members in drawn.items() if all(other.fault(members) is None for other in domains))
    return next(within, Real())


def _value(term: Loss, arguments: tuple[Any, ...]) -> Any:
    graph = (arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]).graph
    inside = {p.name: term.parameters[p.name] for p in term.record.parameters if not p.is_around}
    return term.record.value_of(arguments, seen(term.record, graph, inside))


def _same_kind(terms: tuple[Loss, ...]) -> None:
    reductions = [term.reduction for term in terms]
    if len(set(reductions)) != 1:
        raise texts.terms_differ(reductions)
    if len({term.record.labels_are_integers for term in terms}) > 1:
        raise texts.terms_targets([term.record for term in terms])
    if len({tuple(each.name for each in term.record.inputs) for term in terms}) > 1:
        raise texts.terms_arguments([term.record for term in terms])


def _is_shared(terms: tuple[Loss, ...], setting: str) -> bool:
    return len({getattr(term, setting) for term in terms}) == 1


def _weight(weight: Any) -> Any:
    valid = number("weighted_sum", _WEIGHT, weight)
    if isinstance(valid, float) and not math.isfinite(valid):
        raise texts.parameter_value("weighted_sum", _WEIGHT, weight)
    return valid


def _term(described: Any) -> Loss:
    term = known(described, {})
    if term is None:
        raise texts.not_a_loss(described)
    return term


def _pairs(loss: Loss) -> list[tuple[Any, Loss]]:
    """A sum within a sum is its terms, unless it has a name of its own."""
    if isinstance(loss, WeightedSum) and loss.name == loss.record.name:
        return list(zip(loss.weights, loss.terms, strict=True))
    return [(1.0, loss)]
