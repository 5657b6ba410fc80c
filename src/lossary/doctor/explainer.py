"""Everything worth knowing about one loss on one page, read from its record, its graph and a few trials."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import backends
from ..calls.programs import Program, program_for
from ..facts.arguments import Role
from ..facts.axes import ROW
from ..facts.domain import Classes, Parts, Real
from ..facts.record import Record
from ..graph.emit import emit
from ..objects.define import Loss
from .evidence import Floats, number, resolved
from .fit import activation_fit
from .probe import OUTPUTS, POINTS, Inputs, Probe, listed


@dataclass(frozen=True)
class Explanation:
    """One loss explained.

    Attributes:
        loss: The loss as it would be written.
        summary: What it is for.
        formula: The definition in argument names.
        targets: The set of valid targets.
        predictions: The set of valid predictions.
        last_layer: The output activation made for it.
        parameters: Each parameter with its value and range.
        gradient: The derivative with respect to the predictions, as source; one for each if there are several.
        floor: The value at a perfect prediction.
        start: The value to expect before training.
        invariances: What changes in the inputs leave the value as it is, found by trial.
        source: Where the definition comes from.
        also_known_as: Other names.
        named: The arguments that hold predictions.
    """

    loss: str
    summary: str
    formula: str
    targets: str
    predictions: str
    last_layer: str
    parameters: tuple[str, ...]
    gradient: str
    floor: str
    start: str
    invariances: tuple[str, ...]
    source: str
    also_known_as: tuple[str, ...]
    named: str = "y_pred"

    def __str__(self) -> str:
        lines = [f"{self.loss}: {self.summary}", "", f"  {self.formula}", ""]
        facts = {
            "targets": self.targets,
            "predictions": self.predictions,
            "last layer": self.last_layer,
            "parameters": "; ".join(self.parameters) or "none",
            "floor": self.floor,
            "start": self.start,
            "unchanged by": "; ".join(self.invariances) or "nothing that was tried",
            "source": self.source or "not stated",
            "also known as": ", ".join(self.also_known_as) or "nothing else",
        }
        lines += [f"{name:14}{text}" for name, text in facts.items()]
        return "\n".join(
            [*lines, "", f"gradient with respect to {self.named}, per data point:", "", *_indented(self.gradient)]
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def to_json(self, indent: int | None = 2) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)


def _indented(source: str) -> list[str]:
    return [f"    {line}" for line in source.rstrip().splitlines()]


def explain(loss: Any, **parameters: Any) -> Explanation:
    """Formula, domain, gradient, floor and start value, invariances and source of a loss, built-in or your own.

    Args:
        loss: Anything `lossary.get` understands.
        **parameters: Parameters of the loss.

    Returns:
        An `Explanation`; it prints, and has ``to_dict`` and ``to_json``.

    Raises:
        UnknownLossError: ``loss`` names no loss.
        TraceError: A plain function that uses something outside `lossary.words` has no formula to read.

    >>> import lossary
    >>> explanation = lossary.explain("mean_squared_error")
    >>> explanation.formula, explanation.floor
    ('mean_squared_error = mean((y_pred - y_true)**2)', '0')
    >>> explanation.invariances
    ('adding the same number to y_true and y_pred', 'exchanging y_true and y_pred', 'the sign of both')
    """
    found = resolved(loss)
    if parameters:
        from ..objects.get import get

        found = get(found, **parameters)
    record, program = found.record, program_for(found.record, found.parameters, backends.NUMPY)
    probe = Probe(found, backends.NUMPY, np.random.default_rng(0))
    with np.errstate(all="ignore"):
        return Explanation(
            loss=repr(found),
            summary=record.summary,
            formula=_formula(record, program),
            targets=_targets(found),
            predictions=_predictions(found),
            last_layer=_last_layer(found),
            parameters=tuple(_parameters(found)),
            gradient=_gradient(program),
            floor=_floor(probe),
            start=_start(probe),
            invariances=tuple(_invariances(probe)),
            source=record.source,
            also_known_as=tuple(name for name in record.spellings() if name not in (record.name, record.class_name)),
            named=probe.named,
        )


def _formula(record: Record, program: Program) -> str:
    """The definition in argument names; a custom loss without one is read from its graph."""
    if record.definition:
        return f"{record.name} = {record.definition}"
    return program.source("value").rstrip()


def sets(loss: Loss) -> dict[str, str]:
    """The set of every argument, in words."""
    found = {}
    for argument in loss.record.arguments:
        domain = argument.domain
        if argument.role is Role.PREDICTION:
            domain = loss.record.prediction_domain(loss.parameters) if argument.name == "y_pred" else domain
        per_row = argument.axes == ROW and not isinstance(domain, Classes)
        found[argument.name] = f"one per row: {domain.describe()}" if per_row else domain.describe()
    return found


def _of_roles(loss: Loss, *roles: Role) -> str:
    """The sets of the arguments in these roles, by name unless it is the usual one."""
    described = sets(loss)
    found = {argument.name: described[argument.name] for argument in loss.record.arguments if argument.role in roles}
    return "; ".join(text if name in ("y_true", "y_pred") else f"{name}: {text}" for name, text in found.items())


def _targets(loss: Loss) -> str:
    targets = _of_roles(loss, Role.TARGET) or loss.record.target.describe()
    return "; ".join(filter(None, (targets, _of_roles(loss, Role.GIVEN))))


def _predictions(loss: Loss) -> str:
    return _of_roles(loss, Role.PREDICTION)


def _gradient(program: Program) -> str:
    """The slope of the only prediction, or of all of them in one function."""
    if len(program.predictions) == 1:
        return program.source("slope")
    slopes = [program.derivative(place) for place in program.predictions]
    return emit(f"{program.record.name}_slopes", program.inputs, slopes)


def _last_layer(loss: Loss) -> str:
    if isinstance(loss.record.prediction, Parts):
        activations = {name: domain.activation for name, domain in loss.record.prediction.parts}
        if len(set(activations.values())) > 1:
            return ", ".join(f"{activation} for {name}" for name, activation in activations.items())
        activation = next(iter(activations.values()))
    else:
        activation = "linear" if loss.parameters.get("from_logits") else loss.record.read_as(loss.parameters).activation
    if activation_fit(loss, activation).judgement not in ("right", "works"):
        raise AssertionError(f"{loss!r} does not fit its own activation {activation}")
    softmax = activation != "linear" and "from_logits" in loss.parameters
    return f"{activation}{', or linear with from_logits=True' if softmax else ''}"


def _parameters(loss: Loss) -> list[str]:
    lines = []
    for parameter in loss.record.parameters:
        allowed = f" ({parameter.allowed.describe()})" if parameter.allowed is not None else ""
        lines.append(f"{parameter.name}={loss.parameters[parameter.name]!r}{allowed}")
    return lines


def _span(values: Floats) -> str:
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-6 * max(1.0, abs(low)):
        return number(0.0 if abs(low) < 1e-6 else low)
    return f"{number(low)} to {number(high)}, depending on the targets"


def _floor(probe: Probe) -> str:
    inputs = probe.inputs(predicted=[np.zeros((POINTS, probe.columns))] * len(probe.domains))
    perfect = probe.perfect(inputs)
    if perfect is None:
        least = float(probe.values(probe.inputs(_TRIES)).min())
        return f"{number(least)} was the least of {_TRIES} values on ordinary inputs"
    return _span(probe.values(probe.replaced(inputs, perfect)))


def _start(probe: Probe) -> str:
    """By trial, with the answer of a model that knows nothing, where there is one that needs no data."""
    if any(argument.role is Role.GIVEN for argument in probe.record.arguments):
        return "depends on what is given"
    neutral = [0.0 if isinstance(domain, Real) else _NEUTRAL.get(domain.activation, 0.0) for domain in probe.domains]
    values = probe.values(probe.inputs(predicted=[np.full((POINTS, probe.columns), at) for at in neutral]))
    activation = probe.record.prediction.activation
    if activation == "softmax":
        of_classes = probe.record.target.coding in ("integers", "one-hot")
        law = "log C with C classes: " if of_classes and np.allclose(values, np.log(OUTPUTS), rtol=1e-5) else ""
        return f"{law}{_span(values)} for {OUTPUTS} classes, outputs all alike"
    if activation == "sigmoid":
        if not np.allclose(values, np.log(2.0), rtol=1e-5):
            return f"{_span(values)} with outputs all alike"
        return f"log 2 = {_span(values)} with outputs all alike; then the entropy of the base rate"
    if all(isinstance(domain, Real) for domain in probe.domains):
        return f"{_span(values)} with outputs of 0"
    if isinstance(probe.record.prediction, Parts):
        outputs = ", ".join(
            f"{name} {number(at)}" for name, at in zip(probe.record.prediction.names, neutral, strict=True)
        )
        return f"{_span(values)} with {outputs}"
    return "depends on the scale of the targets; the best constant output is their mean"


# What a last layer gives that has learnt nothing, by its activation.
_NEUTRAL = {"softplus": float(np.log(2.0)), "sigmoid": 0.5, "softmax": 1.0 / OUTPUTS, "tanh": 0.0}
_TRIES = 1000


def _reordered(y_true: Floats, order: Floats, labels: bool) -> Floats:
    """The targets after the classes have been put in another order."""
    return np.asarray(np.argsort(order)[y_true] if labels else y_true[:, order])


def _invariances(probe: Probe) -> list[str]:
    """The changes, out of a fixed list, that leave the values as they are on random inputs."""
    inputs = probe.inputs()
    base = probe.values(inputs)
    tries = _of_pairs(probe, inputs) if probe.record.is_pair else _of_all(probe, inputs)
    return [name for name, changed in tries.items() if np.allclose(probe.values(changed), base, rtol=1e-9, atol=1e-12)]


def _of_pairs(probe: Probe, inputs: Inputs) -> dict[str, Inputs]:
    """What may leave a loss of ``(y_true, y_pred)`` as it is."""
    y_true, y_pred = inputs
    order = probe.rng.permutation(y_pred.shape[1])
    labels, real = isinstance(probe.record.target, Classes), isinstance(probe.domains[0], Real)
    free = isinstance(probe.record.target, Real)
    tries: dict[str, tuple[bool, Floats, Floats]] = {
        "adding the same number to y_true and y_pred": (free and real, y_true + 0.7, y_pred + 0.7),
        "multiplying y_true and y_pred by the same positive number": (free and real, 3 * y_true, 3 * y_pred),
        "adding the same number to all outputs of y_pred": (real, y_true, y_pred + 0.7),
        "multiplying y_pred by a positive number": (not labels, y_true, 0.5 * y_pred),
        "exchanging y_true and y_pred": (free and real, y_pred, y_true),
        "the sign of both": (free and real, -y_true, -y_pred),
        "the order of the classes": (
            probe.record.prediction.activation == "softmax",
            _reordered(y_true, order, labels),
            y_pred[:, order],
        ),
    }
    return {name: (true, pred) for name, (meant, true, pred) in tries.items() if meant}


def _of_all(probe: Probe, inputs: Inputs) -> dict[str, Inputs]:
    """What may leave a loss of other arguments as it is, where all of them are real numbers."""
    if not all(isinstance(probe.domain(place), Real) for place in range(len(inputs))):
        return {}
    names = listed(probe.record.names)
    tries: dict[str, Inputs] = {
        f"adding the same number to {names}": [x + 0.7 for x in inputs],
        f"multiplying {names} by the same positive number": [3 * x for x in inputs],
    }
    if not isinstance(probe.record.target, Parts):  # Whose order would be turned.
        tries[f"the sign of {names}"] = [-x for x in inputs]
    return tries
