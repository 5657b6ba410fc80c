"""The arguments of a loss: their roles, sets and axes, and the arrays that a formula sees of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .axes import ELEMENT, LISTED, OUTPUT, PAIR, ROW, Axes
from .domain import Classes, Domain, Floats, Labels, Parts, Real


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

    @cached_property
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
