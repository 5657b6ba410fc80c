"""Checks of values: how much is checked, where a value lies outside its set, and what is said about it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._check import sibling
from ._domain import Bits, Domain, OneHot, Parts, Probabilities, Signs, Unit
from .errors import DomainError, ParameterError

if TYPE_CHECKING:
    from ._record import Record

Mode = Literal["full", "async", "shapes", "off"]
MODES: tuple[Mode, ...] = ("full", "async", "shapes", "off")
_mode: ContextVar[Mode | None] = ContextVar("lossary_check", default=None)
# How many `check` blocks are open anywhere; torch.compile cannot trace a ContextVar, so it is read only when needed.
_active = 0
_counting = threading.Lock()


@contextlib.contextmanager
def check(mode: Mode) -> Iterator[None]:
    """How much is checked inside a ``with`` block.

    ``"full"`` also reads values, waiting for an accelerator if need be; ``"shapes"`` checks shapes, dtypes and
    parameters; ``"off"`` only what is needed to line the arrays up.  Without any choice, values are read wherever
    that costs no wait: arrays in host memory, outside of tracing.

    ``"async"`` is for where they cannot be read: inside ``jax.jit``, ``torch.compile`` and ``tf.function``, and on an
    accelerator.  A data point with a value outside its set becomes NaN there, and the program tells afterwards which
    one it was, without waiting at any step: by a `DomainWarning`, and by `raise_faults`.

    >>> import lossary
    >>> with lossary.check("off"):
    ...     print(lossary.poisson([[-1.0]], [[2.0]]).round(4))
    [2.6931]
    """
    global _active  # noqa: PLW0603
    token = _mode.set(valid_mode("check", mode))
    with _counting:
        _active += 1
    try:
        yield
    finally:
        with _counting:
            _active -= 1
        _mode.reset(token)


def valid_mode(loss: str, mode: Any) -> Mode:
    """The mode, or a `ParameterError`."""
    if mode not in MODES:
        raise ParameterError(
            f"{loss}: check is {mode!r}; accepted are 'full', 'async', 'shapes' and 'off'. To leave values unread "
            "write check='shapes'; without check= they are read where that costs no wait"
        )
    found: Mode = mode
    return found


def mode_of(loss: str, *choices: Mode | None) -> Mode | None:
    """The first choice that was made: of the call, of the object, of the context; None means the default."""
    for choice in choices:
        if choice is not None:
            return valid_mode(loss, choice)
    return _mode.get() if _active else None


@dataclass(frozen=True)
class Layout:
    """How arrays that have been lined up lie in those of the caller, so that messages name places in the latter.

    Rows lie along ``axes``, which have these ``lengths``; ``rank`` is common to all before the rows are moved, and
    ``ranks`` are those of the caller's arguments.  What is not among them lies along the axes that it has.
    """

    axes: tuple[int, ...]
    lengths: tuple[int | None, ...]
    rank: int
    ranks: Mapping[str, int]

    @property
    def is_plain(self) -> bool:
        """Whether rows lie along the last axis."""
        return self.axes == (-1,)

    def index(self, argument: str, index: tuple[int, ...]) -> tuple[int | str, ...]:
        """The caller's index of an element, or of a whole row if its last entry is missing."""
        lined = self.rank - len(self.axes) + 1
        rank = self.ranks.get(argument, len(index) if len(index) < lined else self.rank)
        full: list[int | str] = list(index[:lined])
        full += [":"] * (lined - len(full))
        if not self.is_plain and rank >= self.rank:
            for axis, place in zip(self.axes, self._inside(full.pop()), strict=True):
                full.insert(axis, place)
        while full and full[-1] == ":":
            full.pop()
        return tuple(full[:rank])

    def _inside(self, place: int | str) -> Sequence[int | str]:
        """The place in a row along each of its axes."""
        if len(self.axes) == 1:
            return (place,)
        if isinstance(place, str) or None in self.lengths:
            return [":"] * len(self.axes)
        return [int(i) for i in np.unravel_index(place, self.lengths)]  # type: ignore[arg-type]


Host = np.ndarray[Any, Any] | None


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
        index = domain.fault(x) if x is not None and x.size else None
        if x is not None and index is not None:
            raise outside(record.name, parameters, each.shown, domain, *_seen(x, index), layout)
    return _ordered(record, inputs, layout)


def _ordered(record: Record, inputs: Sequence[Host], layout: Layout | None) -> None:
    """Parts of which one is above another that it must not exceed."""
    places = {each.name: place for place, each in enumerate(record.inputs)}
    for argument in record.arguments:
        for names in argument.domain.ordered if isinstance(argument.domain, Parts) else ():
            lower, upper = (places[f"{argument.name}_{name}"] for name in names)
            first, second = inputs[lower], inputs[upper]
            if first is None or second is None or not (first > second).any():
                continue
            index = tuple(int(i) for i in np.unravel_index(int(np.argmax(first > second)), first.shape))
            where = _place(record.inputs[lower].shown, index, layout)
            raise crossed(record.name, argument.name, names, where, float(first[index]), float(second[index]))


def crossed(loss: str, argument: str, names: tuple[str, str], place: str, first: float, second: float) -> DomainError:
    """Two parts in the wrong order."""
    lower, upper = names
    return DomainError(
        f"{loss}: {place} is {_number(first)}, above {upper}, {_number(second)}; accepted are {lower} <= {upper}. "
        f"Sort the two: {lower}, {upper} = numpy.minimum({lower}, {upper}), numpy.maximum({lower}, {upper})"
    )


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
                raise swapped(record.name, str(error)) from None
            if layout is not None and layout.is_plain and _lies_along_one(record, y_true):
                raise along_one(record.name, str(error)) from None
            raise
    if y_pred is not None and y_pred.size:
        domain = record.prediction_domain(parameters)
        index = domain.fault(y_pred)
        if index is not None:
            raise outside(record.name, parameters, "y_pred", domain, *_seen(y_pred, index), layout)


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


def along_one(loss: str, fact: str) -> DomainError:
    """Classes along axis 1 that were looked for along the last axis."""
    return DomainError(
        f"{fact.partition('. ')[0]}. Along axis 1 they are; write lossary.{loss}(y_true, y_pred, axis=1) for "
        "classes there"
    )


def swapped(loss: str, fact: str) -> DomainError:
    """A target outside its set, where the predictions are targets."""
    return DomainError(
        f"{fact.partition('. ')[0]}. y_pred holds such targets: the order is (y_true, y_pred). Write "
        f"lossary.{loss}(y_true, y_pred)"
    )


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
            raise outside(record.name, parameters, "y_true", record.target, *_seen(y_true, index), layout)
        return
    lowest, highest = np.minimum.reduce(y_true, axis=None), np.maximum.reduce(y_true, axis=None)
    whole = y_true.dtype.kind in "iu" or bool(np.all(y_true == np.floor(y_true)))
    if whole and lowest >= 0 and (classes is None or highest < classes):
        return
    beyond = np.inf if classes is None else classes
    with np.errstate(invalid="ignore"):
        wrong = ~((y_true >= 0) & (y_true < beyond) & (y_true == np.floor(y_true)))
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    raise label(record.name, float(y_true[index]), index, classes, layout)


def _seen(array: np.ndarray[Any, Any], index: tuple[int, ...]) -> tuple[tuple[int, ...], float, bool]:
    """Where something lies outside, what it is, and whether it is the sum of a row."""
    row = len(index) < array.ndim
    return index, float(np.sum(array[index], dtype=np.float64) if row else array[index]), row


def _place(argument: str, index: tuple[int, ...], layout: Layout | None = None) -> str:
    shown = index if layout is None else layout.index(argument, index)
    return f"{argument}[{', '.join(map(str, shown))}]" if shown else argument


def _number(value: Any) -> str:
    return f"{float(value):g}"


def label(
    loss: str, number: float, index: tuple[int, ...], classes: int | None, layout: Layout | None = None
) -> DomainError:
    """A label that names no class."""
    accepted = "labels 0, 1, ..., C - 1" if classes is None else f"labels 0 to {classes - 1} ({classes} classes)"
    if number != number:
        remedy = "drop those rows, or pass where= with False at them"
    elif number != np.floor(number):
        remedy = (
            f"round or recode the labels to whole numbers; for probabilities use "
            f"lossary.{sibling(loss)}(y_true, y_pred)"
        )
    elif number < 0:
        remedy = f"a label that marks positions to leave out is named with ignore_class={int(number)}"
    else:
        remedy = (
            "labels start at 0 (labels 1..C need y_true - 1), and the output layer needs one unit per class: "
            f"{int(number) + 1} units for this label"
        )
    return DomainError(
        f"{loss}: {_place('y_true', index, layout)} is {_number(number)}; accepted are {accepted}. "
        f"{remedy[0].upper()}{remedy[1:]}"
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
    place = _place(argument, index, layout)
    if row:
        return DomainError(
            f"{loss}: {place} sums to {_number(value)}; accepted are {domain.describe()}. {_row_remedy(value)}"
        )
    return DomainError(
        f"{loss}: {place} is {_number(value)}; accepted are {domain.describe()}. "
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
    if predicted:
        return f"Use a {domain.activation} output layer in front of this loss"
    return "Shift or recode the targets, or choose a loss for real numbers such as lossary.huber"


def weight_value(
    loss: str, value: float, index: tuple[int, ...], shape: tuple[int, ...], layout: Layout | None
) -> DomainError:
    """A weight that is infinite or NaN, in weights of this shape."""
    while shape[-1:] == (1,):  # Such axes were added to line the weights up.
        shape, index = shape[:-1], index[:-1]
    return DomainError(
        f"{loss}: {_place('sample_weight', index, layout)} is {_number(value)}; accepted are finite weights. "
        "To leave a position out, give it weight 0 or pass where="
    )


def weight_sum(loss: str, total: float) -> DomainError:
    """Weights that a mean cannot be divided by."""
    return DomainError(
        f"{loss}: sample_weight sums to {_number(total)}, by which reduction='mean_with_sample_weight' would divide; "
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


def categorical_labels(labels: np.ndarray[Any, Any], num_classes: int | None) -> None:
    """Raises a `DomainError` at the first label that to_categorical cannot place."""
    beyond = np.inf if num_classes is None else num_classes
    with np.errstate(invalid="ignore"):
        wrong = ~((labels >= 0) & (labels < beyond) & (labels == np.floor(labels)))
    if not wrong.any():
        return
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    value = float(labels[index])
    accepted = "integers >= 0"
    if num_classes is not None:
        accepted = f"integers 0 to {num_classes - 1} (num_classes={num_classes})"
    if value < 0:
        remedy = "shift the labels so that the smallest is 0: labels - labels.min()"
    elif value != np.floor(value):
        remedy = "labels are whole numbers; one-hot or soft rows need no conversion"
    else:
        remedy = f"pass num_classes={int(value) + 1} or more, or labels - 1 if they count from 1"
    raise DomainError(
        f"to_categorical: {_place('labels', index)} is {_number(value)}; accepted are {accepted}. To go on, {remedy}"
    )
