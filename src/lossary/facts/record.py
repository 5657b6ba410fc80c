"""The facts about one loss, frozen."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from .axes import ELEMENT, LISTED, OUTPUT, PAIR, ROW, Axes
from .domain import (
    Bits,
    Classes,
    Domain,
    Floats,
    Labels,
    LogProbabilities,
    Nothing,
    Parts,
    Probabilities,
    Real,
    Similarity,
)
from .settings import Around, Interval

Formula = Callable[..., Any]


@dataclass(frozen=True, init=False)
class Case:
    """A case worked by hand: the arguments of one call, the per-sample values, how they come about, parameters.

    ``Case([[1.0]], [[0.0]], (1.0,), "(1 - 0)^2", {"scale": 2.0})``
    """

    arrays: tuple[Any, ...]
    value: tuple[float, ...]
    working: str
    parameters: Mapping[str, Any]

    def __init__(self, *given: Any) -> None:
        parameters = given[-1] if isinstance(given[-1], Mapping) else {}
        *arrays, value, working = given[:-1] if parameters else given
        vars(self).update(arrays=tuple(arrays), value=value, working=working, parameters=parameters)

    @property
    def y_true(self) -> Any:
        """The first array."""
        return self.arrays[0]

    @property
    def y_pred(self) -> Any:
        """The second array."""
        return self.arrays[1]


class Role(enum.Enum):
    """What an argument is to a loss: only predictions have a gradient."""

    TARGET = "target"
    PREDICTION = "prediction"
    GIVEN = "given"


@dataclass(frozen=True)
class Input:
    """One array that a formula sees: an argument, or a part of one; ``shown`` is what messages call it."""

    name: str
    domain: Domain
    role: Role
    axes: Axes
    shown: str

    @property
    def has_outputs(self) -> bool:
        """Whether it has the shape of the elements."""
        return OUTPUT in self.axes

    @property
    def is_label(self) -> bool:
        """Whether it holds one class per row, as a whole number."""
        return isinstance(self.domain, Classes)

    @property
    def is_whole(self) -> bool:
        """Whether it holds whole numbers that name something."""
        return isinstance(self.domain, Classes | Labels)


@dataclass(frozen=True)
class PerRow:
    """Says of a target that it is one number per row, as an integer label is, in this set."""

    domain: Domain = Real()


@dataclass(frozen=True)
class Matrix:
    """Says of an argument that a data point is a matrix of members of this set: its rows lie along one axis more."""

    domain: Domain = Real()


@dataclass(frozen=True)
class Listed:
    """Says of an argument that it is a list of numbers per data point, as long as it likes, in this set."""

    domain: Domain = Real()


# How an argument's set and the axes that it varies along are declared.
Declared = Domain | PerRow | Matrix | Listed
# How many rows a data point has, and how long its lists are, where there is nothing else to go by.
DEPTH, LENGTH = 4, 2


@dataclass(frozen=True)
class Argument:
    """One argument of a loss: its role, its set, and the axes that it varies along."""

    name: str
    domain: Domain
    role: Role
    axes: Axes = ELEMENT

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the numbers packed along its last axis; none if it holds one number per output."""
        return self.domain.names if isinstance(self.domain, Parts) else ()

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], domain: Domain | None = None) -> Floats:
        """Ordinary members, in another set if one is given, for elements of this shape."""
        drawn = domain or self.domain
        if self.axes in (PAIR, LISTED):
            inner = (DEPTH, shape[-1]) if self.axes == PAIR else (LENGTH,)
            return drawn.sample(rng, (*shape[:-1], *inner))
        if self.axes == ELEMENT or isinstance(drawn, Classes):  # Labels have to know how many there are.
            return drawn.sample(rng, shape)
        if isinstance(drawn, Parts) and any(isinstance(part, Classes) for _, part in drawn.parts):
            own = [Argument("", part, self.role, ROW).sample(rng, shape) for _, part in drawn.parts]
            return np.stack([x.astype(np.float64) for x in own], -1)
        return drawn.sample(rng, shape[:-1])

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The arrays that the formula sees of it."""
        if not isinstance(self.domain, Parts):
            return (Input(self.name, self.domain, self.role, self.axes, self.name),)
        return tuple(
            Input(f"{self.name}_{part}", domain, self.role, self.axes, f"{self.name}'s {part}")
            for part, domain in self.domain.parts
        )


def argument(name: str, declared: Declared, role: Role) -> Argument:
    """The argument of this name and declared set."""
    if isinstance(declared, PerRow | Matrix | Listed):
        return Argument(name, declared.domain, role, {PerRow: ROW, Matrix: PAIR, Listed: LISTED}[type(declared)])
    return Argument(name, declared, role, ROW if isinstance(declared, Classes) else ELEMENT)


def declared(
    names: Sequence[str],
    target: Declared | None,
    prediction: Declared,
    predictions: Mapping[str, Domain] | None,
    given: Mapping[str, Declared],
) -> tuple[Argument, ...] | None:
    """The arguments of a formula with these names, in its order; None where names and sets do not belong together."""
    known = {name: argument(name, domain, Role.PREDICTION) for name, domain in (predictions or {}).items()}
    known |= {name: argument(name, domain, Role.GIVEN) for name, domain in given.items()}
    if predictions is None:
        known["y_pred"] = argument("y_pred", prediction, Role.PREDICTION)
    if target is not None and (predictions is None or "y_true" in names):
        known["y_true"] = argument("y_true", target, Role.TARGET)
    if set(known) != set(names) or len(known) != len(names):
        return None
    return tuple(known[name] for name in names)


def target_and_prediction(target: Declared, prediction: Domain) -> tuple[Argument, ...]:
    """The arguments of a loss of ``(y_true, y_pred)``."""
    return argument("y_true", target, Role.TARGET), argument("y_pred", prediction, Role.PREDICTION)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a formula: its default stands in the formula's signature, its range in the decorator.

    One that is ``shared`` is none of the formula's: all losses of a kind have it (see `lossary.facts.shared`).
    """

    name: str
    default: Any
    allowed: Domain | None
    positional: bool
    shared: bool = False

    @property
    def is_number(self) -> bool:
        """Whether the formula is traced once for all values of it."""
        return isinstance(self.default, float)

    @property
    def is_around(self) -> bool:
        """Whether it acts around the formula, which does not see it."""
        return isinstance(self.allowed, Around)

    @property
    def off(self) -> float | None:
        """The number at which it does nothing, if there is one."""
        return self.allowed.off if isinstance(self.allowed, Interval) else None

    def is_symbol(self, value: Any) -> bool:
        """Whether the formula sees a symbol in the place of this value, as it is traced once for all of them."""
        return self.is_number and not (isinstance(value, float) and value == self.off)


@dataclass(frozen=True, eq=False)
class Record:
    """One loss: everything that validation, tests, documentation, adapters and the doctor need to know."""

    name: str
    formula: Formula
    slope: Formula | None
    aliases: tuple[str, ...]
    class_name: str
    arguments: tuple[Argument, ...]
    parameters: tuple[Parameter, ...]
    definition: str
    source: str
    cases: tuple[Case, ...]
    builtin: bool
    # Another library's name -> the line to write for it, where `Loss` is this loss; "" for `Loss()`, the same loss.
    peers: Mapping[str, str] = field(default_factory=dict)
    best: Formula | None = None  # The best predictions for targets, where those are not the targets themselves.
    regions: bool = False  # Whether a row is a region of an image, so that its axes have to be named.
    # What points of a batch are compared by: the formula sees, of each, its row of all their cosines.
    compared: str = ""
    # Given where a loss is defined: a number of its own, under which what the formula was traced to is kept.
    number: str | None = field(default=None, init=False)
    programs: SimpleNamespace = field(default_factory=SimpleNamespace, init=False, repr=False)

    def settle(self) -> None:
        """Works out what every call asks for; inside torch.compile nothing can be remembered for the first time."""
        if "settled" not in vars(self):
            vars(self)["settled"] = [getattr(self, name) for name in _REMEMBERED]

    @property
    def text(self) -> str:
        """The formula's own docstring: when to use the loss, what to know about it, an example."""
        return inspect.cleandoc(self.formula.__doc__ or "")

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return self.text.split("\n", 1)[0]

    @property
    def family(self) -> str:
        """Name of the file that defines the loss."""
        return (self.formula.__module__ or "").rsplit(".", 1)[-1]

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The arrays that the formula sees, in its order."""
        return tuple(each for argument in self.arguments for each in argument.inputs)

    @cached_property
    def seen(self) -> tuple[Input, ...]:
        """The arrays that the formula sees once data points have been compared: which are of a kind, and how near."""
        if not self.compared:
            return self.inputs
        sets = (Bits(), Similarity())
        return tuple(
            Input(each.name, domain, each.role, ELEMENT, each.shown)
            for each, domain in zip(self.inputs, sets, strict=True)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return tuple(argument.name for argument in self.arguments)

    @cached_property
    def has_usual_names(self) -> bool:
        """Whether it is called with ``(y_true, y_pred)``."""
        return self.names == ("y_true", "y_pred")

    @cached_property
    def first_prediction(self) -> int:
        """The place of the first argument that is a prediction."""
        return next(place for place, argument in enumerate(self.arguments) if argument.role is Role.PREDICTION)

    @cached_property
    def predictions(self) -> tuple[int, ...]:
        """The places of those inputs that have a gradient."""
        return tuple(place for place, each in enumerate(self.inputs) if each.role is Role.PREDICTION)

    @cached_property
    def main(self) -> int:
        """The place of the input whose shape is that of the elements: a prediction, or what else has outputs."""
        elements = [place for place, each in enumerate(self.inputs) if each.has_outputs]
        return next((place for place in self.predictions if place in elements), elements[0])

    @cached_property
    def depth(self) -> int:
        """How many axes a data point has: two where it is a matrix."""
        return 2 if any(each.axes == PAIR for each in self.inputs) else 1

    @cached_property
    def target(self) -> Domain:
        """The set of the targets; `Nothing` if there are none."""
        return next((a.domain for a in self.arguments if a.role is Role.TARGET), Nothing())

    @cached_property
    def prediction(self) -> Domain:
        """The set of the predictions, of the first if there are several."""
        return self.arguments[self.first_prediction].domain

    @cached_property
    def is_pair(self) -> bool:
        """Whether it takes ``(y_true, y_pred)`` with one prediction per output, and targets like them or labels."""
        if not self.has_usual_names or len(self.inputs) != len(self.arguments) or self.depth > 1:
            return False
        return self.arguments[0].axes == ELEMENT or self.labels_are_integers

    @cached_property
    def labels_are_integers(self) -> bool:
        """Whether a target is one integer per row instead of one number per output unit, or has such a part."""
        return any(each.is_label for each in self.inputs)

    def defaults(self) -> dict[str, Any]:
        """Every parameter at its default."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def symbols(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """The parameters that a program takes as arguments."""
        return tuple(p.name for p in self.parameters if p.is_symbol(parameters[p.name]))

    def switches(self, parameters: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        """The parameters that a program is traced for, and their values; None for a number that is off."""
        inside = [p for p in self.parameters if not (p.is_around or p.is_symbol(parameters[p.name]))]
        return tuple((p.name, None if p.is_number else parameters[p.name]) for p in inside)

    def off(self, name: str) -> float | None:
        """The value at which a parameter is off."""
        return next((p.off for p in self.parameters if p.name == name), None)

    def value_of(self, arguments: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
        """What the formula makes of symbols, shared parameters included."""
        return self.formula(*self._heated(arguments, parameters), **self._own(parameters))

    def slopes_of(self, arguments: Sequence[Any], parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the hand-written slope makes of them, one for each prediction; nothing if there is none."""
        if self.slope is None:
            return ()
        found = self.slope(*self._heated(arguments, parameters), **self._own(parameters))
        heat = parameters.get("temperature", 1.0) if self._is_heated else 1.0
        return tuple(slope / heat for slope in (found if isinstance(found, tuple) else (found,)))

    @cached_property
    def _is_heated(self) -> bool:
        return any(p.shared and p.name == "temperature" for p in self.parameters)

    def _own(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        shared = {p.name for p in self.parameters if p.shared}
        return {name: value for name, value in parameters.items() if name not in shared}

    def _heated(self, arguments: Sequence[Any], parameters: Mapping[str, Any]) -> Sequence[Any]:
        """The arguments with scores divided by the temperature."""
        if not self._is_heated:
            return arguments
        heat, roles = parameters["temperature"], [argument.role for argument in self.arguments]
        return [x / heat if role is Role.PREDICTION else x for role, x in zip(roles, arguments, strict=True)]

    def prediction_domain(self, parameters: Mapping[str, Any]) -> Domain:
        """Where predictions must lie: raw scores with ``from_logits=True``, else what the record declares."""
        return _handed_over(self.prediction, parameters)

    def read_as(self, parameters: Mapping[str, Any]) -> Domain:
        """What predictions are, or become where they are raw scores."""
        return _handed_over(self.prediction, {"from_logs": parameters.get("from_logs")})

    def domain(self, place: int, parameters: Mapping[str, Any]) -> Domain:
        """The set of an input."""
        each = self.inputs[place]
        return _handed_over(each.domain, parameters) if each.role is Role.PREDICTION else each.domain

    def spellings(self) -> tuple[str, ...]:
        """The canonical name, the class and all aliases."""
        return (self.name, self.class_name, *self.aliases)

    def line(self, peer: str) -> str:
        """The line of code that stands for another library's loss."""
        return (self.peers[peer] or "Loss()").replace("Loss(", f"lossary.{self.class_name}(", 1)


_REMEMBERED = [name for name, member in vars(Record).items() if isinstance(member, cached_property)]


def _handed_over(domain: Domain, parameters: Mapping[str, Any]) -> Domain:
    """The set of predictions that may be handed over as raw scores, or as logarithms."""
    if parameters.get("from_logits"):
        return Real()
    if parameters.get("from_logs"):
        return LogProbabilities() if isinstance(domain, Probabilities) else Real()
    return domain


def camel(name: str) -> str:
    """``mean_squared_error`` -> ``MeanSquaredError``; a name with capitals stays as it is."""
    if name != name.lower():
        return name
    return "".join(part.capitalize() for part in name.split("_"))


def spelling(peer: str) -> str:
    """What a loss of another library is called there: ``torch.nn.HuberLoss`` -> ``HuberLoss``."""
    return peer.rsplit(".", 1)[-1]


def other_names(own: Sequence[str], aliases: Sequence[str], peers: Mapping[str, str]) -> tuple[str, ...]:
    """Aliases of a loss besides its own names: those given, and what other libraries call the same."""
    same = [spelling(peer) for peer, line in peers.items() if not line]
    return tuple(name for name in dict.fromkeys([*aliases, *same]) if name not in own)


def fold(name: str) -> str:
    """The form in which names are compared: no case, no separators."""
    return re.sub(r"[\s_\-]+", "", name).lower()
