"""A loss run on small arrays drawn from its own domains, on any backend, with results as NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import backends
from ..facts.arguments import DEPTH, Argument, Role
from ..facts.axes import PAIR
from ..facts.domain import Bits, Classes, Domain, LogProbabilities, OneHot, Probabilities, Signs, Unit
from ..facts.record import Record
from ..objects.combined import WeightedSum
from ..objects.define import Loss
from ..objects.linear import LinearLoss
from ..texts.linear import linear_function
from .evidence import Floats
from .fit import puts_in_order

POINTS, OUTPUTS = 6, 5
# A raw score this large stands for certainty.
SURE = 30.0
# One array for each input of the record.
Inputs = Sequence[Floats]


@dataclass
class Probe:
    """A loss, the backend it runs on, and a source of random numbers.

    Inputs and gradients are handled as rows; those of a loss whose data points are matrices are reshaped for it.
    """

    loss: Loss
    backend: backends.Backend
    rng: np.random.Generator
    outputs: int = OUTPUTS

    def __post_init__(self) -> None:
        if isinstance(self.loss, LinearLoss):
            raise linear_function(self.record.name)
        # Arrays are drawn here: what axis the caller's have is of no matter.
        self.loss = self.loss.replaced(axis=(-1,) if self.record.depth > 1 else -1)

    @property
    def columns(self) -> int:
        """How many elements a data point has."""
        return self.outputs * (DEPTH if self.record.depth > 1 else 1)

    @property
    def record(self) -> Record:
        """The facts about the loss."""
        return self.loss.record

    @property
    def named(self) -> str:
        """The arguments that hold predictions, as a sentence names them."""
        names = [argument.name for argument in self.record.arguments if argument.role is Role.PREDICTION]
        return listed(names)

    def domain(self, place: int) -> Domain:
        """Where an input lies at these parameters."""
        return self.record.domain(place, self.loss.parameters)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Where predictions lie at these parameters."""
        return tuple(map(self.domain, self.record.predictions))

    def inputs(self, points: int = POINTS, predicted: Inputs | None = None) -> list[Floats]:
        """Ordinary members of the set of every input, or these predictions among them."""
        found: list[Floats] = []
        given = iter(predicted or ())
        for argument in self.record.arguments:
            if predicted is not None and argument.role is Role.PREDICTION:
                found += [next(given) for _ in argument.inputs]
            else:
                found += self._drawn(argument, self.domain(len(found)), points)
        return found

    def drawn(self, points: int = POINTS) -> list[Floats]:
        """Ordinary predictions."""
        places = {each.name: place for place, each in enumerate(self.record.inputs)}
        return [
            array
            for argument in self.record.arguments
            if argument.role is Role.PREDICTION
            for array in self._drawn(argument, self.domain(places[argument.inputs[0].name]), points)
        ]

    def _drawn(self, argument: Argument, first: Domain, points: int) -> list[Floats]:
        """Ordinary members of an argument's set, which is ``first`` unless it has parts."""
        domain = argument.domain if argument.parts else first
        drawn = np.asarray(argument.sample(self.rng, (points, self.outputs), domain))
        columns = np.moveaxis(drawn, -1, 0) if argument.parts else [drawn]
        if argument.axes == PAIR:
            columns = [x.reshape(points, -1) for x in columns]
        return [x.astype(np.int64) if i.is_label else x for i, x in zip(argument.inputs, columns, strict=True)]

    def replaced(self, inputs: Inputs, predictions: Inputs) -> list[Floats]:
        """The inputs with other predictions."""
        found = list(inputs)
        for place, array in zip(self.record.predictions, predictions, strict=True):
            found[place] = array
        return found

    def predictions(self, inputs: Inputs) -> list[Floats]:
        """The predictions among the inputs."""
        return [inputs[place] for place in self.record.predictions]

    def perfect(self, inputs: Inputs) -> list[Floats] | None:
        """Predictions that say exactly what the targets say, or as good as exactly in raw scores.

        None where it does not follow from the targets which predictions are best.
        """
        if isinstance(self.loss, WeightedSum):
            first, *rest = [replace(self, loss=term).perfect(inputs) for term in self.loss.terms]
            return first if all(_are_same(first, other) for other in rest) else None
        if self.record.is_pair:
            return [self._said(inputs[0])]
        targets = [x for x, each in zip(inputs, self.record.inputs, strict=True) if each.role is Role.TARGET]
        of_kind = {argument.role: argument.parts for argument in self.record.arguments}
        alike = of_kind[Role.PREDICTION] == of_kind.get(Role.TARGET, ()) != ()
        return targets if alike else None

    def _said(self, y_true: Floats) -> Floats:
        logits = self.loss.parameters.get("from_logits")
        if self.record.best is not None:
            best = np.asarray(self.record.best(y_true), np.float64)
            return SURE * (2 * best - 1) if logits else best
        if isinstance(self.record.target, Classes):
            y_true = np.eye(self.outputs)[y_true]
        y_true = np.asarray(y_true, np.float64)
        if isinstance(self.record.target, Signs):
            return SURE * y_true
        if self.loss.parameters.get("from_logs") or (logits and type(self.record.target) is Probabilities):
            return np.asarray(np.log(np.maximum(y_true, math.exp(-SURE))))
        if isinstance(self.record.prediction, LogProbabilities):
            return SURE * (y_true - 1)
        if puts_in_order(self.loss):
            return SURE * np.argsort(np.argsort(y_true)).astype(np.float64)
        if not logits:
            of_classes = isinstance(self.record.target, Bits | Classes | OneHot)
            scores = of_classes and not isinstance(self.record.prediction, Unit)
            return SURE * (2 * y_true - 1) if scores else y_true
        return SURE * (2 * y_true - 1)

    @property
    def widest(self) -> str:
        """The widest float the backend computes in."""
        return self.backend.dtype(self.backend.asarray(np.zeros(1)))

    def array(self, x: Floats, dtype: str = "float64") -> Any:
        """An array of the backend; integers stay integers."""
        if x.dtype.kind in "iub":
            return self.backend.asarray(x)
        return self.backend.asarray(x.astype(dtype) if dtype != "bfloat16" else x)

    def values(self, inputs: Inputs, dtype: str = "float64", **settings: Any) -> Floats:
        """One value per data point, in float64."""
        loss = self._reducing("none")
        values = loss(*self.arguments(inputs, dtype), **self._arrays(settings, dtype))
        # A function of the user's may leave one value per output; a data point's is their mean.
        return np.asarray(self._host(values).reshape(len(inputs[0]), -1).mean(1))

    def total(self, inputs: Inputs, dtype: str = "float64", **settings: Any) -> tuple[float, list[Floats]]:
        """The sum over all data points and its gradient with respect to each prediction."""
        value, gradient = self._reducing("sum").value_and_grad(
            *self.arguments(inputs, dtype), **self._arrays(settings, dtype)
        )
        slopes = [self._host(each) for each in leaves(gradient)]
        return float(self._host(value)), [x.reshape(len(x), -1) if self.record.depth > 1 else x for x in slopes]

    def arguments(self, inputs: Inputs, dtype: str) -> Iterator[Any]:
        """What a call takes: parts as a tuple."""
        arrays = iter([self.array(x, dtype) for x in self.shaped(inputs)])
        for argument in self.record.arguments:
            own = tuple(next(arrays) for _ in argument.inputs)
            yield own if argument.parts else own[0]

    def shaped(self, inputs: Inputs) -> list[Floats]:
        """The inputs as the loss takes them."""
        return [
            np.asarray(x).reshape(len(x), DEPTH, self.outputs) if each.axes == PAIR else np.asarray(x)
            for each, x in zip(self.record.inputs, inputs, strict=True)
        ]

    def _arrays(self, settings: dict[str, Any], dtype: str) -> dict[str, Any]:
        return {name: self.array(np.asarray(value), dtype) for name, value in settings.items()}

    def _reducing(self, reduction: str) -> Loss:
        return self.loss.replaced(reduction=reduction)

    def _host(self, x: Any) -> Floats:
        found = self.backend.host(x, wait=True)
        if found is None and hasattr(x, "eval"):
            found = x.eval()
        return np.asarray(found, np.float64)


def leaves(gradient: Any) -> Iterator[Any]:
    """The arrays of a gradient, or of a value beside it, in their order."""
    if isinstance(gradient, tuple | list):
        for each in gradient:
            yield from leaves(each)
    else:
        yield gradient


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _are_same(one: Inputs | None, other: Inputs | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(map(np.array_equal, one, other))
