"""The facts about one loss, frozen."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from .arguments import Argument, Input, Role
from .axes import ELEMENT, PAIR
from .domain import Bits, Domain, LogProbabilities, Nothing, Probabilities, Real, Similarity
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
        """The number for which it is traced alone: where it does nothing, or the usual one."""
        allowed = self.allowed
        return (allowed.off if allowed.usual is None else allowed.usual) if isinstance(allowed, Interval) else None

    @property
    def is_bare(self) -> bool:
        """Whether the formula sees a number itself where it is off, and may decide by it."""
        return isinstance(self.allowed, Interval) and self.allowed.usual is None

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
