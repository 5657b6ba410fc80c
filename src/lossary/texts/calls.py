"""Every text the library says when a call is wrong; those about single values stand in `_texts_values`.

A message names the loss, the argument, what came, what is accepted and the line to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import BackendError, DTypeError, LossError, ParameterError, ShapeError
from ..facts.domain import OneHot
from . import remedies
from .shapes import remedy, shape_text

if TYPE_CHECKING:
    from ..facts.record import Record


def sibling(name: str) -> str:
    """How the loss for rows of probabilities beside the one for integer labels is called; empty if there is none."""
    rows = name.removeprefix("sparse_")
    return "" if rows == name else f"lossary.{rows}(y_true, y_pred)"


# --- shapes, dtypes, frameworks -----------------------------------------------------------------------------------


# An argument, what it is, and what makes an array of NumPy of it, or nothing where its values are not at hand.
Met = tuple[str, str, str]


def mixed_frameworks(loss: str, first: Met, second: Met) -> BackendError:
    """Arrays of two frameworks in one call; NumPy's belong to any."""
    change, other = (first, second) if second[0] == "y_pred" else (second, first)
    if not change[2]:
        change = other
    return BackendError(
        f"{loss}: {first[0]} is {first[1]} and {second[0]} is {second[1]}; all arrays of a call come from one "
        "framework, with arrays of NumPy and lists beside them. "
        f"Convert one of them: {change[0]} = {change[2].format(change[0])}"
    )


def strange_array(loss: str, argument: str, what: str, remedy: str) -> DTypeError:
    """What frameworks have beside arrays: sparse, ragged, nested, of unknown rank."""
    return DTypeError(f"{loss}: {argument} is {what}; accepted are dense arrays. Write {remedy.format(argument)}")


def devices_differ(loss: str, argument: str, its: Any, other: Any) -> BackendError:
    """Tensors that lie on two devices."""
    return BackendError(
        f"{loss}: {argument} is on {its} and y_pred on {other}; accepted are tensors on one device. "
        f"Move it there: {argument} = {argument}.to(y_pred.device)"
    )


def labels_differ(loss: str, first: str, second: str, kind: str, one: str, other: str, line: str) -> ShapeError:
    """Labels, columns, dims or units of two arguments that do not agree."""
    return ShapeError(
        f"{loss}: the {kind} of {first} and {second} differ: {one} in {first}, {other} in {second}; values are read by "
        f"position, so accepted are arguments whose {kind} agree. Write {line}"
    )


def swapped(loss: str) -> BackendError:
    """The target is differentiated and the prediction is not."""
    return BackendError(
        f"{loss}: y_true requires a gradient and y_pred does not; accepted is the order (y_true, y_pred), where the "
        "prediction is trained. Write loss(y_true, y_pred); where the target is differentiated on purpose, "
        "check='off', or let y_pred require a gradient too"
    )


def unsupported(loss: str, argument: str, value: Any, dtype: str) -> DTypeError:
    """Strings, dates, objects, complex numbers; ``value`` has become an array of them, or is one."""
    dtype = "str" if dtype.startswith("str") else dtype
    return DTypeError(
        f"{loss}: {argument} ({type(value).__name__}) has dtype {dtype}; accepted are bool, integers, float16, "
        f"bfloat16, float32 and float64. {remedies.of_dtype(argument, value, dtype)}"
    )


def not_dense(loss: str, argument: str, value: Any, line: str) -> DTypeError:
    """Something that holds numbers in another way than an array does."""
    home = type(value).__module__.split(".")[0]
    home = "" if home == "builtins" else f"{home} "
    return DTypeError(
        f"{loss}: {argument} ({home}{type(value).__name__}) is not an array of numbers; accepted are arrays and nested "
        f"lists with rows of equal length. Write {line}"
    )


def several(loss: str, argument: str, value: Any, library: str) -> DTypeError:
    """A list or tuple of arrays, as a model with several outputs returns."""
    stack = {"numpy": "numpy", "torch": "torch", "jax": "jax.numpy", "tensorflow": "tf", "pytensor": "pytensor.tensor"}
    return DTypeError(
        f"{loss}: {argument} is a {type(value).__name__} of {len(value)} arrays; accepted is one array. If a model "
        f"returned several outputs, write {argument} = {argument}[0], or a loss for each; for rows of one array "
        f"{argument} = {stack[library]}.stack({argument})"
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


def several_losses(loss: str, terms: Sequence[str]) -> ParameterError:
    """A list of losses for one output."""
    return ParameterError(
        f"{loss}: the model has one output and loss is a list of {len(terms)}, of which Keras would count the first; "
        f"accepted is one loss per output. Their sum is one loss: loss={' + '.join(terms)}"
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
    line = f"print({argument})"
    if isinstance(value, list | tuple):
        line = f"print({{numpy.shape(row) for row in {argument}}})"
    return DTypeError(
        f"{loss}: {argument} ({type(value).__name__}) is not an array of numbers; accepted are arrays of NumPy, "
        f"PyTorch, JAX, TensorFlow or PyTensor and nested lists with rows of equal length. To see what it holds, write "
        f"{line}"
    )


def shapes_differ(
    record: Record,
    true: tuple[int | None, ...],
    pred: tuple[int | None, ...],
    integers: bool,
    library: str = "numpy",
) -> ShapeError:
    """y_true and y_pred, arrays of the library, do not belong together."""
    got = f"{record.name}: y_true has shape {shape_text(true)} and y_pred {shape_text(pred)}"
    rest = pred[:1] + pred[2:]
    at_one = len(pred) > 2 and true in (rest, (*rest, 1), (*pred[:1], 1, *pred[2:]))
    if record.labels_are_integers:
        if at_one:
            return ShapeError(
                f"{got}; accepted is one integer label per row of scores, whose classes lie along axis=-1 unless said "
                f"otherwise. Write axis=1 for classes along axis 1: lossary.{record.name}(y_true, y_pred, axis=1)"
            )
        if pred == true[:-1]:
            return ShapeError(
                f"{got}; accepted is the order (y_true, y_pred), with one integer label per row of scores. "
                f"Write lossary.{record.name}(y_true, y_pred)"
            )
        if true == pred:
            other = sibling(record.name)
            beside = "   # argmax(1) and axis=1 for classes along axis 1" if len(pred) > 2 else ""
            return ShapeError(
                f"{got}; accepted is one integer label per row, shape {shape_text(pred[:-1])}. One-hot rows need "
                f"{f'{other}, or ' if other else ''}labels = y_true.argmax(-1){beside}"
            )
        return ShapeError(
            f"{got}; accepted is one integer label per row of scores: y_true {shape_text(pred[:-1])} or "
            f"{shape_text((*pred[:-1], 1))}. Scores for one data point need a batch axis: y_pred[None]"
        )
    if isinstance(record.target, OneHot) and integers and at_one:
        return ShapeError(
            f"{got}; accepted are targets with one column per class, whose classes lie along axis=-1 unless said "
            f"otherwise. Write lossary.sparse_{record.name}(y_true, y_pred, axis=1) for classes along axis 1"
        )
    if isinstance(record.target, OneHot) and integers and true in (pred[:-1], (*pred[:-1], 1)):
        encoded = f"lossary.to_categorical(y_true, {'C' if pred[-1] is None else pred[-1]}) first"
        sparse = "lossary.sparse_categorical_crossentropy(y_true, y_pred), or "
        return ShapeError(
            f"{got}; accepted are targets with one column per class. Integer labels need "
            f"{sparse if record.name == 'categorical_crossentropy' else ''}{encoded}"
        )
    advice = remedy(true, pred, library, of_classes=isinstance(record.target, OneHot))
    return ShapeError(f"{got}; accepted are equal shapes, or (N,) with (N, 1). Nothing is broadcast: {advice}")


def shapes_at_run_time(loss: str) -> str:
    """What a compiled graph says when lengths that were unknown turn out to differ."""
    return (
        f"{loss}: y_true and y_pred turned out to have different shapes; nothing is broadcast. "
        f"Bring them to the same shape first: y_true = tf.reshape(y_true, tf.shape(y_pred))"
    )


def empty(loss: str, argument: str, shape: tuple[int | None, ...]) -> ShapeError:
    """A mean over a batch or a row of length zero."""
    rows = "rows without outputs: if 0 not in numpy.shape({0}): ..."
    skipped = "empty batches: if len({0}): ..." if shape[:1] == (0,) else rows
    return ShapeError(
        f"{loss}: {argument} has shape {shape_text(shape)}, which holds no elements; a mean over nothing is "
        f"undefined. Skip {skipped.format(argument)}"
    )


def scalar(loss: str) -> ShapeError:
    """A row loss got single numbers."""
    return ShapeError(
        f"{loss}: y_pred is a single number; accepted are rows of C outputs, shape (N, C). For one data point write "
        "y_pred = [[...]]"
    )


def axis_out_of_range(loss: str, axis: Any, rank: int) -> ParameterError:
    """Axis names no axis."""
    once = ", each axis once," if isinstance(axis, tuple | list) else ""
    return ParameterError(
        f"{loss}: axis is {axis!r}; accepted are whole numbers from {-rank} to {rank - 1}{once} for y_pred with {rank} "
        f"axes. The outputs usually lie along axis=-1"
    )


def axis_several(loss: str, axis: Any) -> ParameterError:
    """Several axes for the classes that a label names."""
    return ParameterError(
        f"{loss}: axis is {axis!r}; accepted is one whole number, the axis along which the classes lie: axis=1 for "
        "(N, C, H, W). All other axes are data points, over which the object takes the mean"
    )


def per_point_shape(
    loss: str,
    argument: str,
    got: tuple[int | None, ...],
    points: tuple[int | None, ...],
    elements: Any,
    arguments: Sequence[str],
) -> ShapeError:
    """Weights or mask that fit neither the data points nor the elements."""
    also = f", or {shape_text(elements)} for one per element" if elements is not None else ""
    if got[-1:] == (1,):
        line = f"To drop an axis of length 1: {argument}[..., 0]"
    elif not points:
        columns = " and ".join(f"{name}[:, None]" for name in arguments)
        line = f"Arrays of one axis are one data point here: {columns} hold one for each entry"
    else:
        kind = ", dtype=bool" if argument == "where" else ""
        line = f"Write {argument} = numpy.ones({shape_text(points)}{kind}) with entries of yours"
    return ShapeError(
        f"{loss}: {argument} has shape {shape_text(got)}; accepted is one entry per data point, "
        f"{shape_text(points)}, or its leading axes{also}. {line}"
    )


def mask_dtype(loss: str, dtype: str) -> DTypeError:
    """where= is not boolean."""
    return DTypeError(
        f"{loss}: where has dtype {dtype}; accepted is bool, True where a position counts. Write where != 0"
    )


# --- parameters and names -----------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value as Python writes it, where that is short."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of thousands of digits.
        return f"of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def reduction_name(loss: str, reduction: Any, accepted: Iterable[Any]) -> ParameterError:
    """An unknown reduction."""
    remedy = "The mean over data points is reduction='sum_over_batch_size'"
    if isinstance(reduction, str) and reduction.lower() in ("batchmean", "batch_mean", "mean_over_batch"):
        remedy = "PyTorch's batchmean is the mean over data points, the default reduction='sum_over_batch_size'"
    return ParameterError(
        f"{loss}: reduction is {shown(reduction)}; accepted are {', '.join(map(repr, accepted))}. {remedy}"
    )


# --- kernels and to_categorical ---------------------------------------------------------------------------------


def kernel_dtype(loss: str, dtype: Any) -> ParameterError:
    """A dtype that kernels do not compute in."""
    return ParameterError(
        f"{loss}: dtype is {dtype!r}; accepted are 'float32', also for half precision, and 'float64'. "
        "Write lossary.kernels.load(loss, dtype='float32')"
    )


def no_kernel(loss: str, reason: str) -> LossError:
    """A formula that kernels cannot take has no loop to show."""
    return LossError(
        f"{loss}: there is no loop to show: {reason}. How a call is computed says lossary.kernels.explain({loss!r})"
    )


def no_script(loss: str, reason: str) -> LossError:
    """A formula that cannot be printed as JavaScript."""
    return LossError(
        f"{loss}: it cannot be printed as JavaScript: {reason}. In Python write "
        f"lossary.get({loss!r}).value_and_grad(...)"
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
