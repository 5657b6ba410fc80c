"""Every text the library says when a call is wrong; those about single values stand in `_check_values`.

A message names the loss, the argument, what came, what is accepted and the line to write instead.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._domain import OneHot
from .errors import BackendError, DTypeError, ParameterError, ShapeError, UnknownLossError

if TYPE_CHECKING:
    from ._record import Parameter, Record


def sibling(name: str) -> str:
    """The loss for one-hot rows beside the one for integer labels."""
    return name.removeprefix("sparse_")


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


def devices_differ(loss: str, argument: str, its: Any, other: Any) -> BackendError:
    """Tensors that lie on two devices."""
    return BackendError(
        f"{loss}: {argument} is on {its} and y_pred on {other}; accepted are tensors on one device. "
        f"Move it there: {argument} = {argument}.to(y_pred.device)"
    )


def unsupported(loss: str, argument: str, value: Any, dtype: str) -> DTypeError:
    """Strings, objects, complex numbers."""
    dtype = "str" if dtype.startswith("str") else dtype
    remedy = f"convert it: numpy.asarray({argument}, dtype='float32')"
    if dtype.startswith("complex"):
        remedy = f"take its real part or magnitude: abs({argument})"
    elif type(value).__name__ == "RaggedTensor":
        remedy = f"pad it and say what counts: {argument}.to_tensor(), where=tf.sequence_mask({argument}.row_lengths())"
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


def several_losses(names: Iterable[Any]) -> ParameterError:
    """A list of losses for one output."""
    names = list(names)
    terms = " + ".join(f"lossary.{name}(y_true, y_pred)" for name in names)
    return ParameterError(
        f"{names[0]}: the model has one output and loss is a list of {len(names)}, of which Keras would count the "
        f"first; accepted is one loss per output. Their sum is one loss: loss=lambda y_true, y_pred: {terms}"
    )


def class_weight_per_row(loss: str, shape: Iterable[int | None]) -> ParameterError:
    """Class weights beside rows that do not name one class each."""
    return ParameterError(
        f"{loss}: class_weight with targets of shape {shape_text(shape)}, of which Keras would take the largest entry "
        "along the last axis for the class; accepted are one class per data point: labels (N,) or (N, 1), or one-hot "
        "rows (N, C). For several labels or positions give every entry its weight: "
        "model.fit(x, y, sample_weight=numpy.vectorize(lambda each: class_weight.get(int(each), 1.0))(y))"
    )


def class_weight_of_batches(loss: str, shape: Iterable[int | None]) -> ParameterError:
    """Class weights beside batches of label sequences."""
    return ParameterError(
        f"{loss}: class_weight with batches of labels of shape {shape_text(shape)}, of which Keras would take the "
        "largest along the last axis for the class; accepted are arrays x and y, or batches of labels (N,). Let the "
        "batches hold (x, y, weight): "
        "weight = numpy.vectorize(lambda each: class_weight.get(int(each), 1.0))(y)"
    )


def no_targets(loss: str) -> DTypeError:
    """A model with a loss that gets no targets."""
    return DTypeError(
        f"{loss}: the model has a loss and no targets came (y is None); accepted are arrays x and y, or batches "
        "(x, y), also with steps=. Write model.fit(x, y)"
    )


def targets_by_name(loss: str, names: list[Any]) -> DTypeError:
    """A dict of targets for a model with one output."""
    return DTypeError(
        f"{loss}: the targets are a dict with {', '.join(map(repr, names))} and the model has one output; accepted is "
        f"an array. Write y = y[{names[0]!r}]"
    )


def keras_tensor(loss: str, argument: str) -> DTypeError:
    """A tensor of a Keras graph that is being drawn."""
    return DTypeError(
        f"{loss}: {argument} is a KerasTensor, the place of an array in a model; accepted are arrays with values. Hand "
        f"the loss to the model: model.compile(loss={loss!r}); what joins the graph is a layer that calls "
        "self.add_loss(...)"
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
                f"lossary.{sibling(record.name)}(y_true, y_pred), or labels = y_true.argmax(-1)"
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
    if name == "dtype":
        return ParameterError(
            f"{loss}: there is no dtype=, because a loss computes in the dtype of y_pred, half precision in float32; "
            f"accepted are {', '.join(known)}. Cast y_pred for another one; in Keras write "
            f"lossary.keras.KerasLoss({loss!r}, dtype='float64')"
        )
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}=?" if near else ""
    if not known:
        return ParameterError(f"{loss}: unknown parameter {name!r}; it takes none. Leave {name}= out")
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
    if reduction == "batchmean":
        return ParameterError(
            f"{loss}: reduction is 'batchmean'; accepted are {', '.join(map(repr, accepted))}. As PyTorch's "
            "'batchmean' of kl_div, the default divides by the number of data points: leave reduction= out"
        )
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


def callable_shape(
    name: str, got: tuple[int | None, ...], points: tuple[int | None, ...], cause: str = ""
) -> ShapeError:
    """A user's function did not return one number per data point, which weights or a mask (``cause``) need."""
    why = {
        "": "",
        "sample_weight": " to multiply with its weight (sample_weight=, or class_weight=)",
        "where": " to leave out those under the mask (where=, or a mask of the model's layers)",
    }[cause]
    return ShapeError(
        f"{name}: the function returned shape {shape_text(got)}; accepted is one value per data point, "
        f"{shape_text(points)}{why}. Reduce over the outputs only, for example mean(..., axis=-1)"
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


# --- kernels and to_categorical ---------------------------------------------------------------------------------


def kernel_dtype(loss: str, dtype: Any) -> ParameterError:
    """A dtype that kernels do not compute in."""
    return ParameterError(
        f"{loss}: dtype is {dtype!r}; accepted are 'float32', also for half precision, and 'float64'. "
        "Write lossary.kernels.load(loss, dtype='float32')"
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
