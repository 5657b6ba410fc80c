"""Where a loss is shown on the explorer: along one prediction, over three classes, or by all of its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lossary.backends import NUMPY
from lossary.calls.programs import Program
from lossary.facts.arguments import Input, Role
from lossary.facts.domain import (
    Bits,
    Classes,
    Clipped,
    Distance,
    Domain,
    LogProbability,
    NonNegative,
    Probabilities,
    Ranks,
    Real,
    Signs,
    Similarity,
    Unit,
)
from lossary.show._paths import _spread

Facts = dict[str, Any]
# What an untrained last layer gives, by its activation.
_UNTRAINED = {"softplus": float(np.log(2.0)), "sigmoid": 0.5, "softmax": 1.0 / 3.0, "log_softmax": -float(np.log(3.0))}
# What rows are filled with, where a row is not three classes.
_ROWS = {
    "targets": {Unit: [1.0, 1.0, 0.0], NonNegative: [2.0, 1.0, 0.5], Domain: [1.0, 0.2, -0.6]},
    "predictions": {Unit: [0.7, 0.4, 0.3], NonNegative: [1.0, 1.0, 1.0], Domain: [0.4, 0.9, -0.2]},
}
_RANGES: tuple[tuple[type[Domain], float, float], ...] = (
    (Classes, 0.0, 2.0), (Ranks, 0.0, 3.0), (Signs, -1.0, 1.0), (Similarity, -1.0, 1.0), (Unit, 0.0, 1.0),
    (LogProbability, -5.0, -0.02), (Distance, 0.0, 3.0), (NonNegative, 0.02, 6.0),
)  # fmt: skip


def scene(program: Program, parameters: Mapping[str, Any]) -> Facts:
    """How the explorer shows a loss; losses of the same kind are shown in one picture."""
    record = program.record
    found: Facts = {"kind": _kind(program, parameters), "rows": not program.separable}
    if found["kind"] == "several":
        return found | {"inputs": list(_inputs(program, parameters))}
    if isinstance(record.target, Signs):
        found["signs"] = True
    if record.labels_are_integers:
        found["index"] = True
    prediction = record.prediction_domain(parameters)
    if isinstance(prediction, LogProbability):
        found["logs"] = True
    return found | {"start": _start(prediction)}


def _kind(program: Program, parameters: Mapping[str, Any]) -> str:
    record = program.record
    if not record.is_pair or record.regions:
        return "several"
    prediction = record.prediction_domain(parameters)
    if isinstance(record.target, Probabilities | Classes):
        return "shares" if isinstance(prediction, Probabilities | LogProbability) else "scores"
    if isinstance(record.target, Bits | Signs):
        if isinstance(prediction, Distance):
            return "distance"
        if isinstance(prediction, Unit):
            return "probability"
        return "score" if program.separable else "scores"
    return _of_numbers(program, prediction)


def _of_numbers(program: Program, prediction: Domain) -> str:
    record = program.record
    if not _is_of_one(program):
        return "scores" if isinstance(record.target, NonNegative) and type(prediction) is Real else "several"
    if isinstance(record.target, NonNegative):
        return "amount" if isinstance(prediction, NonNegative | Clipped) else "logarithm"
    return "real" if isinstance(record.prediction, Real) else "several"


def _is_of_one(program: Program) -> bool:
    """Whether a single output is a row that says something: it is perfect at its target alone."""
    if program.separable:
        return True
    predicted = np.array([[0.5], [1.0], [2.0]])
    numbers = [program.record.defaults()[name] for name in program.numbers]
    with np.errstate(all="ignore"):
        values = np.ravel(program.value_and_slope(NUMPY)(np.ones((3, 1)), predicted, *numbers)[0])
    return bool(values[1] == 0.0 and values[0] > 0.0 and values[2] > 0.0)


def _start(domain: Domain) -> float:
    return 0.0 if type(domain) is Real else _UNTRAINED.get(domain.activation, 0.0)


def _inputs(program: Program, parameters: Mapping[str, Any]) -> Iterator[Facts]:
    """Every input with a range and a place to begin with, for three outputs where they see each other."""
    record = program.record
    parts = {name: at for argument in record.arguments if argument.parts for name, at in _spread(argument).items()}
    for place, each in enumerate(record.inputs):
        domain = record.domain(place, parameters)
        low, high = _range(domain)
        row = each.has_outputs and not program.separable
        rest = _row(each, domain, place) if row else [parts.get(each.name, _rest(domain))]
        found: Facts = {"name": each.name, "row": row, "low": low, "high": high, "at": rest}
        if each.role is Role.PREDICTION:
            found |= {"predicted": True, "start": _start(domain)}
        if isinstance(domain, Classes | Ranks):
            found["whole"] = True
        if isinstance(domain, Signs):
            found["signs"] = True
        yield found


def _range(domain: Domain) -> tuple[float, float]:
    return next(((low, high) for kind, low, high in _RANGES if isinstance(domain, kind)), (-4.0, 4.0))


def _row(each: Input, domain: Domain, place: int) -> list[float]:
    """No two inputs of a loss are the same vector."""
    known = _ROWS["predictions" if each.role is Role.PREDICTION else "targets"]
    row = next(row for kind, row in known.items() if isinstance(domain, kind))
    turn = place % len(row)
    return row[turn:] + row[:turn]


def _rest(domain: Domain) -> float:
    if isinstance(domain, LogProbability):
        return -1.0
    if isinstance(domain, Bits | Signs | Classes | Ranks | NonNegative):
        return 1.0
    return 0.5 if isinstance(domain, Unit) else 0.0
