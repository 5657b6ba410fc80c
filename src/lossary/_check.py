"""What is checked about inputs, and every text the library says when something is wrong.

A message names the loss, the argument, what came, what is accepted and the line to write instead.
"""

from __future__ import annotations

import contextlib
import difflib
import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._domain import Bits, Domain, OneHot, Probabilities, Signs, Unit
from .errors import BackendError, DomainError, DTypeError, ParameterError, ShapeError, UnknownLossError

if TYPE_CHECKING:
    from ._record import Parameter, Record

Mode = Literal["full", "shapes", "off"]
MODES: tuple[Mode, ...] = ("full", "shapes", "off")
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
            f"{loss}: check is {mode!r}; accepted are 'full', 'shapes' and 'off'. To leave values unread write "
            "check='shapes'; without check= they are read where that costs no wait"
        )
    found: Mode = mode
    return found


def mode_of(loss: str, *choices: Mode | None) -> Mode | None:
    """The first choice that was made: of the call, of the object, of the context; None means the default."""
    for choice in choices:
        if choice is not None:
            return valid_mode(loss, choice)
    return _mode.get() if _active else None


# --- values ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """How arrays that have been lined up lie in those of the caller, so that messages name places in the latter.

    ``rank`` is common to both once lined up; ``ranks`` are those of the caller's arguments.
    """

    rank: int
    axis: int
    ranks: Mapping[str, int]

    def index(self, argument: str, index: tuple[int, ...]) -> tuple[int | str, ...]:
        """The caller's index of an element, or of a whole row if its last entry is missing."""
        full: list[int | str] = list(index[: self.rank])
        full += [":"] * (self.rank - len(full))
        if self.axis != -1 and self.ranks[argument] >= self.rank:
            full.insert(self.axis % self.rank, full.pop())
        while full and full[-1] == ":":
            full.pop()
        return tuple(full[: self.ranks[argument]])


def values(
    record: Record,
    parameters: Mapping[str, Any],
    y_true: np.ndarray[Any, Any] | None,
    y_pred: np.ndarray[Any, Any] | None,
    classes: int | None,
    layout: Layout | None = None,
) -> None:
    """Raises a `DomainError` at the first value outside the declared sets.  None stands for values not at hand."""
    if y_true is not None:
        _target_values(record, parameters, y_true, classes, layout)
    if y_pred is not None:
        domain = record.prediction_domain(parameters)
        index = domain.fault(y_pred)
        if index is not None:
            raise _outside(record, parameters, "y_pred", y_pred, index, domain, layout)


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
            raise _outside(record, parameters, "y_true", y_true, index, record.target, layout)
        return
    lowest, highest = np.min(y_true), np.max(y_true)
    whole = y_true.dtype.kind in "iu" or bool(np.all(y_true == np.floor(y_true)))
    if whole and lowest >= 0 and (classes is None or highest < classes):
        return
    beyond = np.inf if classes is None else classes
    with np.errstate(invalid="ignore"):
        wrong = ~((y_true >= 0) & (y_true < beyond) & (y_true == np.floor(y_true)))
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    raise _label(record, y_true[index], _place("y_true", index, layout), classes)


def _place(argument: str, index: tuple[int, ...], layout: Layout | None = None) -> str:
    shown = index if layout is None else layout.index(argument, index)
    return f"{argument}[{', '.join(map(str, shown))}]" if shown else argument


def _number(value: Any) -> str:
    return f"{float(value):g}"


def _label(record: Record, value: Any, place: str, classes: int | None) -> DomainError:
    number = float(value)
    accepted = "labels 0, 1, ..., C - 1" if classes is None else f"labels 0 to {classes - 1} ({classes} classes)"
    if number != number:
        remedy = "drop those rows, or pass where= with False at them"
    elif number != np.floor(number):
        remedy = (
            f"round or recode the labels to whole numbers; for probabilities use "
            f"lossary.{_sibling(record.name)}(y_true, y_pred)"
        )
    elif number < 0:
        remedy = f"a label that marks positions to leave out is named with ignore_class={int(number)}"
    else:
        remedy = (
            "labels start at 0 (labels 1..C need y_true - 1), and the output layer needs one unit per class: "
            f"{int(number) + 1} units for this label"
        )
    return DomainError(
        f"{record.name}: {place} is {_number(value)}; accepted are {accepted}. {remedy[0].upper()}{remedy[1:]}"
    )


def _sibling(name: str) -> str:
    return name.removeprefix("sparse_")


def _outside(
    record: Record,
    parameters: Mapping[str, Any],
    argument: str,
    array: np.ndarray[Any, Any],
    index: tuple[int, ...],
    domain: Domain,
    layout: Layout | None,
) -> DomainError:
    place = _place(argument, index, layout)
    if len(index) < array.ndim:
        total = _number(np.sum(array[index], dtype=np.float64))
        return DomainError(
            f"{record.name}: {place} sums to {total}; accepted are {domain.describe()}. {_row_remedy(float(total))}"
        )
    value = array[index]
    return DomainError(
        f"{record.name}: {place} is {_number(value)}; accepted are {domain.describe()}. "
        f"{_value_remedy(record, parameters, argument, float(value), domain)}"
    )


def _row_remedy(total: float) -> str:
    if total == 0:
        return "Rows without any class are left out with where=y_true.sum(-1) > 0"
    if total > 1.5:
        return (
            "Several classes at once (multi-label) need sigmoid outputs and lossary.binary_crossentropy(y_true, y_pred)"
        )
    return "Divide each row by its sum: y_true / y_true.sum(-1, keepdims=True)"


def _value_remedy(record: Record, parameters: Mapping[str, Any], argument: str, value: float, domain: Domain) -> str:
    if value != value:
        return "A NaN entered here; leave such positions out with where=, or look for what produced it upstream"
    if argument == "y_pred" and isinstance(domain, Unit):
        if "from_logits" in parameters:
            return (
                f"Raw scores (no {domain.activation} in the last layer) need "
                f"lossary.{record.name}(y_true, y_pred, from_logits=True)"
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
    if argument == "y_pred":
        return f"Use a {domain.activation} output layer in front of this loss"
    return "Shift or recode the targets, or choose a loss for real numbers such as lossary.huber"


# --- shapes, dtypes, frameworks -----------------------------------------------------------------------------------


def mixed_frameworks(loss: str, first: str, its: str, second: str, other: str) -> BackendError:
    """Arrays of two frameworks in one call."""
    names = {"numpy": "a NumPy array", "torch": "a PyTorch tensor", "jax": "a JAX array"}
    names |= {"tensorflow": "a TensorFlow tensor", "pytensor": "a PyTensor variable"}
    into = {"numpy": "np.asarray", "torch": "torch.as_tensor", "jax": "jnp.asarray"}
    into |= {"tensorflow": "tf.convert_to_tensor", "pytensor": "pt.as_tensor_variable"}
    keep, change = ((second, first), (first, second))[second != "y_pred"]
    target = other if keep == second else its
    return BackendError(
        f"{loss}: {first} is {names[its]} and {second} is {names[other]}; all arrays of a call come from one "
        f"framework. Convert one of them: {change} = {into[target]}({change})"
    )


def unsupported(loss: str, argument: str, value: Any, dtype: str) -> DTypeError:
    """Strings, objects, complex numbers."""
    dtype = "str" if dtype.startswith("str") else dtype
    remedy = f"convert it: numpy.asarray({argument}, dtype='float32')"
    if dtype.startswith("complex"):
        remedy = f"take its real part or magnitude: abs({argument})"
    elif argument in ("y_true", "labels") and dtype.startswith(("str", "bytes", "object")):
        remedy += f", or encode class names as integers: numpy.unique({argument}, return_inverse=True)[1]"
    return DTypeError(
        f"{loss}: {argument} ({type(value).__name__}) has dtype {dtype}; accepted are bool, integers, float16, "
        f"bfloat16, float32 and float64. To go on, {remedy}"
    )


def masked_array(loss: str, argument: str) -> DTypeError:
    """A masked array of NumPy, whose mask would be lost."""
    return DTypeError(
        f"{loss}: {argument} is a masked array; accepted are plain arrays, with the mask as an argument of the loss "
        f"object. Write {argument}.data, and where=~numpy.ma.getmaskarray({argument})"
    )


def nothing(loss: str, argument: str) -> DTypeError:
    """None instead of an array."""
    return DTypeError(
        f"{loss}: {argument} is None; accepted are arrays of numbers. Check what was meant to produce it, for example "
        f"a function without a return: print({argument})"
    )


def not_numbers(loss: str, argument: str, value: Any) -> DTypeError:
    """Something that does not become an array of numbers."""
    return DTypeError(
        f"{loss}: {argument} ({type(value).__name__}) is not an array of numbers; accepted are arrays of NumPy, "
        f"PyTorch, JAX, TensorFlow or PyTensor and nested lists with rows of equal length. "
        f"To see what it holds: numpy.asarray({argument})"
    )


def shape_text(shape: Iterable[int | None]) -> str:
    """A shape with ``?`` where a length is not known."""
    lengths = ["?" if length is None else str(length) for length in shape]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def shapes_differ(
    record: Record, true: tuple[int | None, ...], pred: tuple[int | None, ...], integers: bool
) -> ShapeError:
    """y_true and y_pred do not belong together."""
    got = f"{record.name}: y_true has shape {shape_text(true)} and y_pred {shape_text(pred)}"
    if record.labels_are_integers:
        if true == pred:
            return ShapeError(
                f"{got}; accepted is one integer label per row, shape {shape_text(pred[:-1])}. One-hot rows need "
                f"lossary.{_sibling(record.name)}(y_true, y_pred), or labels = y_true.argmax(-1)"
            )
        return ShapeError(
            f"{got}; accepted is one integer label per row of scores: y_true {shape_text(pred[:-1])} or "
            f"{shape_text((*pred[:-1], 1))}. Scores for one data point need a batch axis: y_pred[None]"
        )
    if isinstance(record.target, OneHot) and integers and true in (pred[:-1], (*pred[:-1], 1)):
        encoded = f"lossary.to_categorical(y_true, {'C' if pred[-1] is None else pred[-1]}) first"
        sparse = "lossary.sparse_categorical_crossentropy(y_true, y_pred), or "
        return ShapeError(
            f"{got}; accepted are targets with one column per class. Integer labels need "
            f"{sparse if record.name == 'categorical_crossentropy' else ''}{encoded}"
        )
    return ShapeError(
        f"{got}; accepted are equal shapes, or (N,) with (N, 1). Nothing is broadcast: {_shape_remedy(true, pred)}"
    )


def _shape_remedy(true: tuple[int | None, ...], pred: tuple[int | None, ...]) -> str:
    known = None not in (*true, *pred)
    if known and math.prod(n or 0 for n in true) == math.prod(n or 0 for n in pred):
        return f"write y_true = y_true.reshape({shape_text(pred)})"
    if true == pred[: len(true)]:
        return "y_true needs one column per output, or the last layer a single unit"
    if len(true) == len(pred) and all(a in (1, b) for a, b in zip(true, pred, strict=True)):
        return f"if y_true is to be repeated, write numpy.broadcast_to(y_true, {shape_text(pred)})"
    if true[:-1] == pred[:-1] and len(true) > 1:
        return f"the last layer needs one unit per column of y_true, {shape_text(true[-1:])[1:-2]} in all"
    return "take both from the same data points, for example y_pred = model(x[:n]) with y_true = y[:n]"


def shapes_at_run_time(loss: str) -> str:
    """What a compiled graph says when lengths that were unknown turn out to differ."""
    return (
        f"{loss}: y_true and y_pred turned out to have different shapes; nothing is broadcast. "
        f"Bring them to the same shape first: y_true = tf.reshape(y_true, tf.shape(y_pred))"
    )


def empty(loss: str, argument: str, shape: tuple[int | None, ...]) -> ShapeError:
    """A batch or row of length zero."""
    return ShapeError(
        f"{loss}: {argument} has shape {shape_text(shape)}, which holds no elements; a mean over nothing is "
        f"undefined. Skip empty batches: if len({argument}): ..."
    )


def scalar(loss: str) -> ShapeError:
    """A row loss got single numbers."""
    return ShapeError(
        f"{loss}: y_pred is a single number; accepted are rows of C outputs, shape (N, C). For one data point write "
        "y_pred = [[...]]"
    )


def axis_out_of_range(loss: str, axis: Any, rank: int) -> ParameterError:
    """Axis names no axis."""
    return ParameterError(
        f"{loss}: axis is {axis!r}; accepted are whole numbers from {-rank} to {rank - 1} for y_pred with {rank} "
        f"axes. The outputs usually lie along axis=-1"
    )


def per_point_shape(
    loss: str, argument: str, got: tuple[int | None, ...], points: tuple[int | None, ...], elements: Any
) -> ShapeError:
    """Weights or mask that fit neither the data points nor the elements."""
    also = f", or {shape_text(elements)} for one per element" if elements is not None else ""
    return ShapeError(
        f"{loss}: {argument} has shape {shape_text(got)}; accepted is one entry per data point, "
        f"{shape_text(points)}, or its leading axes{also}. "
        f"One number for all: multiply the loss. To drop an axis of length 1: {argument}[..., 0]"
    )


def mask_dtype(loss: str, dtype: str) -> DTypeError:
    """where= is not boolean."""
    return DTypeError(
        f"{loss}: where has dtype {dtype}; accepted is bool, True where a position counts. Write where != 0"
    )


def weight_value(loss: str, value: float, index: tuple[int, ...]) -> DomainError:
    """A weight that is negative or NaN."""
    return DomainError(
        f"{loss}: {_place('sample_weight', index)} is {_number(value)}; accepted are weights >= 0. "
        "To leave a position out, give it weight 0 or pass where="
    )


# --- parameters and names -----------------------------------------------------------------------------------------


def parameter_value(loss: str, parameter: Parameter, value: Any) -> ParameterError:
    """A parameter outside its range."""
    accepted = "a number" if parameter.allowed is None else parameter.allowed.describe()
    return ParameterError(
        f"{loss}: {parameter.name} is {value!r}; accepted is {accepted}. The default is "
        f"{parameter.name}={parameter.default!r}"
    )


def fixed_parameter(loss: str, name: str, value: Any) -> AttributeError:
    """Assignment to a parameter of a configured object."""
    return AttributeError(
        f"{loss}: {name} of an object is fixed, because objects are compared, hashed and saved by their parameters; "
        f"make a new one: lossary.get(loss, {name}={value!r})"
    )


def unknown_parameter(loss: str, name: str, known: Iterable[str]) -> ParameterError:
    """A keyword the loss does not have."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}=?" if near else ""
    return ParameterError(f"{loss}: unknown parameter {name!r}; accepted are {', '.join(known)}.{hint}")


def belongs_to_object(record: Record, name: str, value: Any) -> ParameterError:
    """A function got what only objects have."""
    made = f"{record.class_name}(reduction={value!r})" if name == "reduction" else f"{record.class_name}()"
    call = f", {name}={name}" if name in ("sample_weight", "where") else ""
    return ParameterError(
        f"{record.name}: the function returns one value per data point and takes no {name}=; the object does: "
        f"lossary.{made}(y_true, y_pred{call})"
    )


def unnamed_parameters(record: Record, values: tuple[Any, ...]) -> ParameterError:
    """A class got its parameters by position."""
    known = [parameter.name for parameter in record.parameters] or ["reduction"]
    return ParameterError(
        f"{record.name}: {record.class_name} got {values[0]!r} without a name; accepted are its parameters by name. "
        f"Write lossary.{record.class_name}({known[0]}={values[0]!r})"
    )


def too_many_arguments(loss: str, signature: Any) -> ParameterError:
    """More positional arguments than the loss takes."""
    return ParameterError(f"{loss}: too many positional arguments; accepted are {loss}{signature}")


def reduction_name(loss: str, reduction: Any, accepted: Iterable[Any]) -> ParameterError:
    """An unknown reduction."""
    return ParameterError(
        f"{loss}: reduction is {reduction!r}; accepted are {', '.join(map(repr, accepted))}. "
        "The mean over data points is reduction='sum_over_batch_size'"
    )


def unknown_loss(name: str, names: Mapping[str, str], fold: Any) -> UnknownLossError:
    """No loss of this name; ``names`` maps folded spellings to canonical names."""
    wanted = fold(name)
    matches = difflib.get_close_matches(wanted, list(names), n=8, cutoff=0.6)
    likeness = [difflib.SequenceMatcher(None, wanted, match).ratio() for match in matches]
    # A typing slip has one clear answer; an incomplete name may have several.
    clear = [match for match, ratio in zip(matches, likeness, strict=True) if ratio > likeness[0] - 0.08]
    near = list(dict.fromkeys(names[match] for match in clear))
    hint = f"; did you mean {' or '.join(near[:3])}?" if near else "."
    return UnknownLossError(f"unknown loss {name!r}{hint} All names: lossary.names()")


def not_a_loss(value: Any) -> UnknownLossError:
    """An identifier of a type that names no loss."""
    return UnknownLossError(
        f"cannot make a loss of {value!r} ({type(value).__name__}); accepted are a name, a function of "
        "(y_true, y_pred), a loss object, a loss class, or the dict of get_config(). For example "
        "lossary.get('mean_squared_error')"
    )


def name_taken(name: str, owner: str) -> ParameterError:
    """A custom loss with a built-in's name."""
    return ParameterError(
        f"the name {name!r} belongs to the built-in loss {owner}; choose another: @lossary.loss(name='my_{name}')"
    )


def formula_signature(name: str, signature: Any) -> ParameterError:
    """A formula whose arguments cannot be understood."""
    return ParameterError(
        f"{name}: a loss starts with (y_true, y_pred) and its further parameters have defaults; got {name}{signature}. "
        f"Write def {name}(y_true, y_pred, *, alpha=0.5): ..."
    )


def callable_shape(name: str, got: tuple[int | None, ...], points: tuple[int | None, ...]) -> ShapeError:
    """A user's function did not return one number per data point."""
    return ShapeError(
        f"{name}: the function returned shape {shape_text(got)}; accepted is one value per data point, "
        f"{shape_text(points)}. Reduce over the outputs only, for example mean(..., axis=-1)"
    )


def not_an_array(name: str, value: Any) -> DTypeError:
    """A user's function returned something that is no array."""
    return DTypeError(
        f"{name}: the function returned {type(value).__name__}; accepted is an array of the inputs' framework with "
        "one value per data point. Check that the function ends in a return"
    )


def no_config(name: str) -> ParameterError:
    """A plain function has no configuration to save."""
    return ParameterError(
        f"{name}: a plain function has no name to be found by again, so it cannot be saved; give it one: "
        f"decorate it with @lossary.loss, or keep the function and pass it again after loading"
    )


# --- to_categorical ---------------------------------------------------------------------------------------------


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


def categorical_classes(num_classes: Any) -> ParameterError:
    """num_classes is not a positive whole number."""
    return ParameterError(
        f"to_categorical: num_classes is {num_classes!r}; accepted is a whole number >= 1, or None for "
        "labels.max() + 1. For ten classes write num_classes=10"
    )


def unnamed_classes() -> ParameterError:
    """Labels whose values are not known yet."""
    return ParameterError(
        "to_categorical: the labels are symbolic, so their largest value is not known; "
        "write to_categorical(labels, num_classes=10)"
    )
