"""What is said about single values: outside their set, infinite, unread."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from ..errors import DomainError, ParameterError
from ..facts.domain import Bits, Distance, Domain, OneHot, Probabilities, Signs, Unit
from ..facts.families import TASKS
from ..facts.layout import Layout
from ..facts.record import Record
from ..facts.registry import enrolled
from .calls import sibling


def along_one(loss: str, fact: str) -> DomainError:
    """Classes along axis 1 that were looked for along the last axis."""
    return DomainError(
        f"{fact.partition('. ')[0]}. Along axis 1 they are; write lossary.{loss}(y_true, y_pred, axis=1) for "
        "classes there"
    )


def exchanged(loss: str, fact: str) -> DomainError:
    """A target outside its set, where the predictions are targets."""
    return DomainError(
        f"{fact.partition('. ')[0]}. y_pred holds such targets: the order is (y_true, y_pred). Write "
        f"lossary.{loss}(y_true, y_pred)"
    )


def no_density(loss: str, names: tuple[str, str], place: str, value: float) -> DomainError:
    """Two equal bounds at an end of the axis, where nothing is known to be."""
    lower, upper = names
    return DomainError(
        f"{loss}: {place} is {short(value)}, and so is {upper}; accepted are equal bounds between 0 and infinity, for "
        f"what is known. For what came before the first look write {upper} = the time of it, for what is still to come "
        f"{lower} = the time of the last"
    )


def crossed(loss: str, argument: str, names: tuple[str, str], place: str, first: float, second: float) -> DomainError:
    """Two parts in the wrong order."""
    lower, upper = names
    return DomainError(
        f"{loss}: {place} is {short(first)}, above {upper}, {short(second)}; accepted are {lower} <= {upper}. "
        f"Sort the two: {lower}, {upper} = numpy.minimum({lower}, {upper}), numpy.maximum({lower}, {upper})"
    )


def placed(argument: str, index: tuple[int, ...], layout: Layout | None = None) -> str:
    """An element of an argument, as the caller would write it."""
    shown = index if layout is None else layout.index(argument, index)
    return f"{argument}[{', '.join(map(str, shown))}]" if shown else argument


def rounded(
    loss: str, argument: str, value: int, index: tuple[int, ...], layout: Layout | None, line: str
) -> DomainError:
    """A whole number that no float holds, beside another; ``line`` makes an array of NumPy of an argument."""
    return DomainError(
        f"{loss}: {placed(argument, index, layout)} is {value}, which float64 rounds; accepted are whole numbers that "
        "it holds, where both arguments have such, which are subtracted exactly. Subtract a start from both, or, if "
        f"rounding does no harm, write {argument} = {line.format(argument) or argument}.astype('float64')"
    )


def short(value: Any) -> str:
    """A number in a few digits."""
    return f"{float(value):g}"


def label(
    loss: str, number: float, index: tuple[int, ...], classes: int | None, layout: Layout | None = None
) -> DomainError:
    """A label that names no class."""
    accepted = "labels 0, 1, ..., C - 1" if classes is None else f"labels 0 to {classes - 1} ({classes} classes)"
    if not math.isfinite(number):
        remedy = "drop those rows, or pass where= with False at them"
    elif number != np.floor(number):
        other = sibling(loss)
        remedy = "round or recode the labels to whole numbers" + (f"; for probabilities use {other}" if other else "")
    elif number < 0:
        remedy = f"a label that marks positions to leave out is named with ignore_class={int(number)}"
    else:
        remedy = (
            "labels start at 0 (labels 1..C need y_true - 1), and the output layer needs one unit per class: "
            f"{int(number) + 1} units for this label"
        )
    return DomainError(
        f"{loss}: {placed('y_true', index, layout)} is {short(number)}; accepted are {accepted}. "
        f"{remedy[0].upper()}{remedy[1:]}"
    )


def number(
    loss: str, argument: str, value: float, index: tuple[int, ...], classes: int | None, layout: Layout | None
) -> DomainError:
    """A part of the targets that counts outputs from 0 on, and names none."""
    accepted = "whole numbers 0, 1, ..., C - 1" if classes is None else f"whole numbers 0 to {classes - 1}"
    remedy = "Leave such positions out with where="
    if math.isfinite(value) and not value.is_integer():
        remedy = "Round or recode them to whole numbers"
    elif math.isfinite(value) and value >= 0:
        remedy = f"They start at 0, and the output layer needs one unit for each: {int(value) + 1} units for this one"
    return DomainError(
        f"{loss}: {placed(argument, index, layout)} is {short(value)}; accepted are {accepted}. {remedy}"
    )


def blank(record: Record, blank: float, classes: int) -> ParameterError:
    """A blank that is none of the classes of the scores."""
    return ParameterError(
        f"{record.name}: blank is {blank:g}, and y_pred has {classes} classes; accepted are 0 to {classes - 1}, and -1 "
        f"for the last. Write lossary.{record.class_name}(blank=-1)"
    )


def beyond_steps(
    loss: str, argument: str, value: float, index: tuple[int, ...], steps: int, layout: Layout | None
) -> DomainError:
    """A place in an order that has fewer steps."""
    return DomainError(
        f"{loss}: {placed(argument, index, layout)} is {short(value)}; accepted are places 0 to {steps} with "
        f"{steps} outputs, each of which is a step. For so many places the output layer needs {int(value)} units"
    )


def outside(
    loss: str,
    parameters: Collection[str],
    argument: str,
    domain: Domain,
    index: tuple[int, ...],
    value: float,
    row: bool,
    layout: Layout | None,
) -> DomainError:
    """A value outside its set, or with ``row`` the sum of a row that is no distribution."""
    place = placed(argument, index, layout)
    if row:
        return DomainError(
            f"{loss}: {place} sums to {short(value)}; accepted are {domain.describe()}. {_row_remedy(value)}"
        )
    return DomainError(
        f"{loss}: {place} is {short(value)}; accepted are {domain.describe()}. "
        f"{_value_remedy(loss, parameters, argument, value, domain)}"
    )


def _row_remedy(total: float) -> str:
    if total == 0:
        return "Rows without any class are left out with where=y_true.sum(-1) > 0"
    if total > 1.5:
        return (
            "Several classes at once (multi-label) need sigmoid outputs and lossary.binary_crossentropy(y_true, y_pred)"
        )
    return "Divide each row by its sum: y_true / y_true.sum(-1, keepdims=True)"


def _value_remedy(loss: str, parameters: Collection[str], argument: str, value: float, domain: Domain) -> str:
    if value != value:
        return "A NaN entered here; leave such positions out with where=, or look for what produced it upstream"
    predicted = argument.partition("'")[0] == "y_pred"
    if predicted and isinstance(domain, Unit):
        if "from_logits" in parameters:
            return (
                f"Raw scores (no {domain.activation} in the last layer) need "
                f"lossary.{loss}(y_true, y_pred, from_logits=True)"
            )
        return f"Raw scores need a {domain.activation} output layer in front of this loss"
    if isinstance(domain, Signs):
        return "Recode the two classes to -1 and 1, for example 2 * y_true - 1 from 0/1"
    if isinstance(domain, OneHot) and value == np.floor(value) and value > 1:
        return "Integer labels need lossary.sparse_categorical_crossentropy, or lossary.to_categorical(y_true, C) first"
    if isinstance(domain, Bits):
        return "Recode the two classes to 0 and 1 (a 0/255 mask: y_true / 255)"
    if isinstance(domain, Probabilities):
        return "Turn scores into probabilities first, with a softmax"
    if isinstance(domain, Distance):
        return "Pass the length of the difference of two embeddings, not the embeddings or a score"
    if predicted:
        return f"Use a {domain.activation} output layer in front of this loss"
    record = enrolled(loss)
    if record and record.builtin and record.family not in TASKS["regression"]:  # Whose targets are no plain numbers.
        return "Shift or recode the targets, or leave such positions out with where="
    return "Shift or recode the targets, or choose a loss for real numbers such as lossary.huber"


def weight_value(
    loss: str, value: float, index: tuple[int, ...], shape: tuple[int, ...], layout: Layout | None
) -> DomainError:
    """A weight that is infinite or NaN, in weights of this shape."""
    while shape[-1:] == (1,):  # Such axes were added to line the weights up.
        shape, index = shape[:-1], index[:-1]
    return DomainError(
        f"{loss}: {placed('sample_weight', index, layout)} is {short(value)}; accepted are finite weights. "
        "To leave a position out, give it weight 0 or pass where="
    )


def weight_sum(loss: str, total: float) -> DomainError:
    """Weights that a mean cannot be divided by."""
    return DomainError(
        f"{loss}: sample_weight sums to {short(total)}, by which reduction='mean_with_sample_weight' would divide; "
        "accepted are weights with a positive sum. To divide by the number of data points: "
        "reduction='sum_over_batch_size'"
    )


def cannot_report(loss: str, backend: str) -> ParameterError:
    """Values inside a program that has no way back to the host."""
    return ParameterError(
        f"{loss}: check='async' looks at values inside compiled programs, and those of {backend} cannot report; "
        "accepted are arrays of PyTorch, JAX and TensorFlow. To leave values unread write check='shapes'"
    )


def unreported(loss: str) -> str:
    """What is said where a program can remember a fault but not tell of it."""
    return (
        f"{loss}: check='async' turns the value of a data point outside its set into NaN, but XLA lets no TensorFlow "
        "program tell by itself which one it was. To hear it, call lossary.raise_faults() now and then, or compile "
        "with jit_compile=False"
    )


def check_mode(loss: str, mode: Any) -> ParameterError:
    """A name of no amount of checking."""
    return ParameterError(
        f"{loss}: check is {mode!r}; accepted are 'full', 'async', 'shapes' and 'off'. To leave values unread "
        "write check='shapes'; without check= they are read where that costs no wait"
    )


def categorical_label(index: tuple[int, ...], value: float, num_classes: int | None) -> DomainError:
    """A label that to_categorical cannot place."""
    accepted = "integers >= 0"
    if num_classes is not None:
        accepted = f"integers 0 to {num_classes - 1} (num_classes={num_classes})"
    if value < 0:
        remedy = "shift the labels so that the smallest is 0: labels - labels.min()"
    elif value != np.floor(value):
        remedy = "labels are whole numbers; one-hot or soft rows need no conversion"
    else:
        remedy = f"pass num_classes={int(value) + 1} or more, or labels - 1 if they count from 1"
    return DomainError(
        f"to_categorical: {placed('labels', index)} is {short(value)}; accepted are {accepted}. To go on, {remedy}"
    )
