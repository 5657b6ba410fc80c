"""The facts about one loss, frozen."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ._domain import Classes, Domain, Real

Formula = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A case worked by hand: inputs of one call, the per-sample values, and how they come about."""

    y_true: Any
    y_pred: Any
    value: tuple[float, ...]
    working: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a formula: its default stands in the formula's signature, its range in the decorator."""

    name: str
    default: Any
    allowed: Domain | None
    positional: bool

    @property
    def is_number(self) -> bool:
        """Whether the formula is traced once for all values of it."""
        return isinstance(self.default, float)


@dataclass(frozen=True, eq=False)
class Record:
    """One loss: everything that validation, tests, documentation, adapters and the doctor need to know."""

    name: str
    formula: Formula
    slope: Formula | None
    aliases: tuple[str, ...]
    class_name: str
    target: Domain
    prediction: Domain
    parameters: tuple[Parameter, ...]
    definition: str
    source: str
    cases: tuple[Case, ...]
    builtin: bool
    # Given where a loss is defined: a number of its own, under which what the formula was traced to is kept.
    number: str | None = field(default=None, init=False)
    programs: SimpleNamespace = field(default_factory=SimpleNamespace, init=False, repr=False)

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

    @property
    def labels_are_integers(self) -> bool:
        """Whether a target is one integer per row instead of one number per output unit."""
        return isinstance(self.target, Classes)

    def defaults(self) -> dict[str, Any]:
        """Every parameter at its default."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def prediction_domain(self, parameters: Mapping[str, Any]) -> Domain:
        """Where predictions must lie: raw scores with ``from_logits=True``, else what the record declares."""
        return Real() if parameters.get("from_logits") else self.prediction

    def spellings(self) -> tuple[str, ...]:
        """The canonical name, the class and all aliases."""
        return (self.name, self.class_name, *self.aliases)


def camel(name: str) -> str:
    """``mean_squared_error`` -> ``MeanSquaredError``; a name with capitals stays as it is."""
    if name != name.lower():
        return name
    return "".join(part.capitalize() for part in name.split("_"))


def fold(name: str) -> str:
    """The form in which names are compared: no case, no separators."""
    return re.sub(r"[\s_\-]+", "", name).lower()
