"""Everything worth knowing about one loss on one page, read from its record, its graph and a few trials."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import backends
from ..calls.programs import Program, program_for
from ..facts.domain import Classes, Real
from ..facts.record import Record
from ..objects.define import Loss
from .evidence import Floats, number, resolved
from .fit import activation_fit
from .probe import Probe


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
        gradient: The derivative with respect to y_pred, as the source that runs.
        floor: The value at a perfect prediction.
        start: The value to expect before training.
        invariances: What changes in the inputs leave the value as it is, found by trial.
        source: Where the definition comes from.
        also_known_as: Other names.
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
            [*lines, "", "gradient with respect to y_pred, per data point:", "", *_indented(self.gradient)]
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
            targets=record.target.describe(),
            predictions=probe.prediction.describe(),
            last_layer=_last_layer(found),
            parameters=tuple(_parameters(found)),
            gradient=program.source("slope"),
            floor=_floor(probe),
            start=_start(probe),
            invariances=tuple(_invariances(probe)),
            source=record.source,
            also_known_as=tuple(name for name in record.spellings() if name not in (record.name, record.class_name)),
        )


def _formula(record: Record, program: Program) -> str:
    """The definition in argument names; a custom loss without one is read from its graph."""
    if record.definition:
        return f"{record.name} = {record.definition}"
    return program.source("value").rstrip()


def _last_layer(loss: Loss) -> str:
    activation = "linear" if loss.parameters.get("from_logits") else loss.record.prediction.activation
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
    y_true = probe.targets()
    return _span(probe.values(y_true, probe.perfect(y_true)))


def _start(probe: Probe) -> str:
    """By trial, with the answer of a model that knows nothing, where there is one that needs no data."""
    activation = probe.record.prediction.activation
    scores = bool(probe.loss.parameters.get("from_logits"))
    y_true = probe.targets()
    if activation == "softmax":
        nothing: Floats = np.zeros((len(y_true), 5)) if scores else np.full((len(y_true), 5), 0.2)
        law = (
            "log C with C classes: "
            if probe.record.target.coding in ("integers", "one-hot") and _is_log(probe, y_true, nothing)
            else ""
        )
        return f"{law}{_span(probe.values(y_true, nothing))} for 5 classes, outputs all alike"
    if activation == "sigmoid":
        nothing = np.full(y_true.shape, 0.0 if scores else 0.5)
        return (
            f"log 2 = {_span(probe.values(y_true, nothing))} with outputs all alike; then the entropy of the base rate"
        )
    if isinstance(probe.prediction, Real):
        return f"{_span(probe.values(y_true, 0.0 * probe.predictions()))} with outputs of 0"
    return "depends on the scale of the targets; the best constant output is their mean"


def _is_log(probe: Probe, y_true: Floats, nothing: Floats) -> bool:
    return bool(np.allclose(probe.values(y_true, nothing), np.log(5), rtol=1e-5))


def _reordered(y_true: Floats, order: Floats, labels: bool) -> Floats:
    """The targets after the classes have been put in another order."""
    return np.asarray(np.argsort(order)[y_true] if labels else y_true[:, order])


def _invariances(probe: Probe) -> list[str]:
    """The changes, out of a fixed list, that leave the values as they are on random inputs."""
    y_true: Floats = probe.targets()
    y_pred: Floats = probe.predictions()
    base = probe.values(y_true, y_pred)
    order = probe.rng.permutation(y_pred.shape[1])
    labels, real = isinstance(probe.record.target, Classes), isinstance(probe.prediction, Real)
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
    return [
        name
        for name, (meant, true, pred) in tries.items()
        if meant and np.allclose(probe.values(true, pred), base, rtol=1e-9, atol=1e-12)
    ]
