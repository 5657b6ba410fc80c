"""Looking at values that are at hand: the first that lies outside its set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import texts
from ..errors import DomainError
from ..facts.arguments import Argument
from ..facts.domain import OneHot, Parts, Places, Transcript, Unit
from ..facts.layout import Layout
from ..facts.record import Record

Host = np.ndarray[Any, Any] | None
# Whole numbers up to here are float64 numbers.
_EXACT = 2**53


def values(
    record: Record,
    parameters: Mapping[str, Any],
    inputs: Sequence[Host],
    classes: int | None,
    layout: Layout | None = None,
) -> None:
    """Raises a `DomainError` at the first value outside the declared sets.  None stands for values not at hand."""
    if record.is_pair:
        return _pair(record, parameters, inputs[0], inputs[1], classes, layout)
    for place, (each, x) in enumerate(zip(record.inputs, inputs, strict=True)):
        domain = record.domain(place, parameters)
        if isinstance(domain, Transcript) and classes is not None and parameters.get("blank", 0) >= classes:
            raise texts.blank(record, parameters["blank"], classes)
        if x is None or not x.size:
            continue
        named = each.is_label or isinstance(domain, Transcript)
        if isinstance(domain, Places) and classes is not None and domain.fault(x) is None:
            index = _no_label(x, classes + 1)
            if index is not None:
                raise texts.beyond_steps(record.name, each.shown, float(x[index]), index, classes, layout)
        index = _no_label(x, classes) if each.is_label else domain.fault(x)
        if index is None and isinstance(domain, Transcript):  # In which numbers below 0 are padding.
            index = _no_label(np.maximum(x, 0), classes)
        if index is not None and named:
            raise texts.number(record.name, each.shown, float(x[index]), index, classes, layout)
        if index is not None:
            raise texts.outside(record.name, parameters, each.shown, domain, *_seen(x, index), layout)
    return _ordered(record, inputs, layout)


def whole(record: Record, inputs: Sequence[Host], layout: Layout, line: str) -> None:
    """Raises a `DomainError` at the first whole number that float64 would round."""
    for each, x in zip(record.inputs, inputs, strict=True):
        if x is None or not x.size or -_EXACT <= int(x.min()) <= int(x.max()) <= _EXACT:
            continue
        # What is left of it without the zeros at its end.
        digits = x // np.maximum(x & (~x + 1), 1)
        wrong = (digits > _EXACT) | (digits < -_EXACT)
        if wrong.any():
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
            raise texts.rounded(record.name, each.shown, int(x[index]), index, layout, line)


def _ordered(record: Record, inputs: Sequence[Host], layout: Layout | None) -> None:
    """Parts of which one is above another that it must not exceed."""
    places = {each.name: place for place, each in enumerate(record.inputs)}
    for argument in record.arguments:
        if isinstance(argument.domain, Parts) and argument.domain.bounds:
            _known(record, argument, places, inputs, layout)
        for names in argument.domain.ordered if isinstance(argument.domain, Parts) else ():
            lower, upper = (places[f"{argument.name}_{name}"] for name in names)
            first, second = inputs[lower], inputs[upper]
            if first is None or second is None or not (first > second).any():
                continue
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(first > second)), first.shape))
            where = texts.placed(record.inputs[lower].shown, index, layout)
            raise texts.crossed(record.name, argument.name, names, where, float(first[index]), float(second[index]))


def _known(
    record: Record, argument: Argument, places: Mapping[str, int], inputs: Sequence[Host], layout: Layout | None
) -> None:
    """Raises where two bounds are equal at an end of the axis, which is no number that can be known."""
    ((lower, upper),) = argument.domain.ordered  # type: ignore[attr-defined]
    first, second = (inputs[places[f"{argument.name}_{name}"]] for name in (lower, upper))
    if first is None or second is None:
        return
    wrong = (first == second) & ((first == 0) | np.isinf(first))
    if wrong.any():
        index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), first.shape))
        where = texts.placed(record.inputs[places[f"{argument.name}_{lower}"]].shown, index, layout)
        raise texts.no_density(record.name, (lower, upper), where, float(first[index]))


def _pair(
    record: Record,
    parameters: Mapping[str, Any],
    y_true: Host,
    y_pred: Host,
    classes: int | None,
    layout: Layout | None,
) -> None:
    if y_true is not None and y_true.size:
        try:
            _target_values(record, parameters, y_true, classes, layout)
        except DomainError as error:
            if y_pred is not None and _are_swapped(record, parameters, y_true, y_pred):
                raise texts.exchanged(record.name, str(error)) from None
            if layout is not None and layout.is_plain and _lies_along_one(record, y_true):
                raise texts.along_one(record.name, str(error)) from None
            raise
    if y_pred is not None and y_pred.size:
        domain = record.prediction_domain(parameters)
        index = domain.fault(y_pred)
        if index is not None:
            raise texts.outside(record.name, parameters, "y_pred", domain, *_seen(y_pred, index), layout)


def _are_swapped(
    record: Record, parameters: Mapping[str, Any], y_true: np.ndarray[Any, Any], y_pred: np.ndarray[Any, Any]
) -> bool:
    """Whether each argument holds what belongs into the other; y_true is known not to hold targets."""
    if record.labels_are_integers or y_true.shape != y_pred.shape or np.all(y_true == np.floor(y_true)):
        return False  # Whole numbers are rather targets in another coding than scores.
    if record.target.fault(y_pred) is not None:
        return False
    if isinstance(record.target, Unit):  # Predicted probabilities could be soft targets too.
        return bool(np.all(y_pred == np.floor(y_pred)))
    return record.prediction_domain(parameters).fault(y_true) is None


def _lies_along_one(record: Record, y_true: np.ndarray[Any, Any]) -> bool:
    """Whether rows that are no distributions are some along axis 1, as PyTorch and channels-first images have them."""
    if not isinstance(record.target, OneHot) or y_true.ndim < 3:
        return False
    return record.target.fault(np.moveaxis(y_true, 1, -1)) is None


def _target_values(
    record: Record,
    parameters: Mapping[str, Any],
    y_true: np.ndarray[Any, Any],
    classes: int | None,
    layout: Layout | None,
) -> None:
    if not record.labels_are_integers:
        index = record.target.fault(y_true)
        if index is not None:
            raise texts.outside(record.name, parameters, "y_true", record.target, *_seen(y_true, index), layout)
        return
    index = _no_label(y_true, classes)
    if index is not None:
        raise texts.label(record.name, float(y_true[index]), index, classes, layout)


def _no_label(labels: np.ndarray[Any, Any], classes: int | None) -> tuple[int, ...] | None:
    """Where the first label is that names none of so many classes."""
    lowest, highest = np.minimum.reduce(labels, axis=None), np.maximum.reduce(labels, axis=None)
    whole = labels.dtype.kind in "iu" or bool(np.all(labels == np.floor(labels)))
    if whole and lowest >= 0 and (classes is None or highest < classes):
        return None
    beyond = np.inf if classes is None else classes
    with np.errstate(invalid="ignore"):
        wrong = ~((labels >= 0) & (labels < beyond) & (labels == np.floor(labels)))
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def _seen(array: np.ndarray[Any, Any], index: tuple[int, ...]) -> tuple[tuple[int, ...], float, bool]:
    """Where something lies outside, what it is, and whether it is the sum of a row."""
    row = len(index) < array.ndim
    return index, float(np.sum(array[index], dtype=np.float64) if row else array[index]), row


def categorical_labels(labels: np.ndarray[Any, Any], num_classes: int | None) -> None:
    """Raises a `DomainError` at the first label that to_categorical cannot place."""
    beyond = np.inf if num_classes is None else num_classes
    with np.errstate(invalid="ignore"):
        wrong = ~((labels >= 0) & (labels < beyond) & (labels == np.floor(labels)))
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    raise texts.categorical_label(index, float(labels[index]), num_classes)
