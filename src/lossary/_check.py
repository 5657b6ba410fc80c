"""Every text the library says when a call is wrong; those about single values stand in `_check_values`.

A message names the loss, the argument, what came, what is accepted and the line to write instead.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _peers, _remedies
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
        f"bfloat16, float32 and float64. {_remedies.of_dtype(argument, value, dtype)}"
    )


def not_dense(loss: str, argument: str, value: Any, line: str) -> DTypeError:
    """Something that holds numbers in another way than an array does."""
    home = type(value).__module__.split(".")[0]
    home = "" if home == "builtins" else f"{home} "
    return DTypeError(
        f"{loss}: {argument} ({home}{type(value).__name__}) is not an array of numbers; accepted are arrays and nested lists with rows of equal length. Write {line}"
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


def shape_text(shape: Iterable[int | None]) -> str:
    """A shape with ``?`` where a length is not known."""
    lengths = ["?" if length is None else str(length) for length in shape]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def shapes_differ(
    record: Record,
    true: tuple[int | None, ...],
    pred: tuple[int | None, ...],
    integers: bool,
    library: str = "numpy",
) -> ShapeError:
    """y_true and y_pred, arrays of the library, do not belong together."""
    got = f"{record.name}: y_true has shape {shape_text(true)} and y_pred {shape_text(pred)}"
    at_one = pred[:1] + pred[2:]
    if record.labels_are_integers:
        if len(pred) > 2 and true in (at_one, (*at_one, 1)):
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
            return ShapeError(
                f"{got}; accepted is one integer label per row, shape {shape_text(pred[:-1])}. One-hot rows need "
                f"lossary.{sibling(record.name)}(y_true, y_pred), or labels = y_true.argmax(-1)"
            )
        return ShapeError(
            f"{got}; accepted is one integer label per row of scores: y_true {shape_text(pred[:-1])} or "
            f"{shape_text((*pred[:-1], 1))}. Scores for one data point need a batch axis: y_pred[None]"
        )
    if isinstance(record.target, OneHot) and integers and len(pred) > 2 and true in (at_one, (*at_one, 1)):
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
    return ShapeError(
        f"{got}; accepted are equal shapes, or (N,) with (N, 1). Nothing is broadcast: {_shape_remedy(true, pred, library)}"
    )


def _shape_remedy(true: tuple[int | None, ...], pred: tuple[int | None, ...], library: str) -> str:
    known = None not in (*true, *pred)
    if known and math.prod(n or 0 for n in true) == math.prod(n or 0 for n in pred):
        return f"write y_true = y_true.reshape({shape_text(pred)})"
    if true == pred[: len(true)]:
        return "y_true needs one column per output, or the last layer a single unit"
    if len(true) == len(pred) and all(a in (1, b) for a, b in zip(true, pred, strict=True)):
        module = {"jax": "jax.numpy", "pytensor": "pytensor.tensor", "tensorflow": "tf"}.get(library, library)
        return f"if y_true is to be repeated, write {module}.broadcast_to(y_true, {shape_text(pred)})"
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
        f"{loss}: {parameter.name} is {shown(value)}; accepted is {accepted}. The default is "
        f"{parameter.name}={parameter.default!r}"
    )


def fixed_parameter(loss: str, name: str, value: Any) -> AttributeError:
    """Assignment to a parameter or setting of a configured object."""
    return AttributeError(
        f"{loss}: {name} of an object is fixed, because objects are compared, hashed and saved by their parameters; "
        f"make a new one: loss = loss.replaced({name}={value!r})"
    )


def shown(value: Any) -> str:
    """A value as Python writes it, where that is short."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of thousands of digits.
        return f"of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def setting_name(loss: str, name: Any) -> ParameterError:
    """A name that is no text."""
    return ParameterError(
        f"{loss}: name is {name!r}; accepted is a text, or None for the loss's own. Write name='my_{loss}'"
    )


def axis_kind(loss: str, axis: Any) -> ParameterError:
    """An axis that is no whole number."""
    return ParameterError(
        f"{loss}: axis is {axis!r}; accepted is one whole number, the axis of the outputs of a data point, usually "
        "axis=-1. To take several axes as one, reshape both arrays: y.reshape(len(y), -1)"
    )


def no_identifier(name: Any) -> ParameterError:
    """A name of a loss that is no name in Python."""
    return ParameterError(
        f"a loss cannot be called {name!r}; accepted are names as Python has them, of letters, digits and underscores. "
        "Write @lossary.loss(name='my_loss')"
    )


def reserved_parameter(loss: str, name: str) -> ParameterError:
    """A parameter of a formula that is called like something every loss has."""
    return ParameterError(
        f"{loss}: a parameter cannot be called {name!r}, which every loss has already; choose another, for example "
        f"{name}_"
    )


def not_a_configuration(value: Any) -> ParameterError:
    """The part of a configuration that holds parameters is something else."""
    return ParameterError(
        f"a configuration holds {shown(value)} ({type(value).__name__}); accepted is a dict of parameters by name, as "
        "get_config() gives it: {'class_name': 'Huber', 'config': {'delta': 2.0}}"
    )


def stray_configuration(names: Iterable[str]) -> ParameterError:
    """Entries beside those that a configuration has."""
    return ParameterError(
        f"a configuration holds {', '.join(map(repr, names))} beside its 'config'; accepted are parameters inside "
        "it: {'class_name': 'Huber', 'config': {'delta': 2.0}}"
    )


def not_found_again(loss: str, cls: type) -> ParameterError:
    """An object whose class a pickle could not find."""
    return ParameterError(
        f"{loss}: an object of {cls.__qualname__} cannot be pickled, because {loss!r} has been defined again or was "
        "defined where no import finds it; accepted are losses at the top of a module. Write loss.get_config() to "
        "keep its settings alone"
    )


def not_defined_here(name: str) -> UnknownLossError:
    """A pickle of a loss of one's own where it has not been defined."""
    return UnknownLossError(
        f"{name}: this pickle holds a loss of your own that is not defined here; accepted are losses that are known "
        "by name when it is loaded. Write import my_losses first, the module that defines it"
    )


# --- sums ---------------------------------------------------------------------------------------------------------


def terms_differ(reductions: Iterable[str]) -> ParameterError:
    """Terms of a sum that reduce differently."""
    return ParameterError(
        f"weighted_sum: the terms have the reductions {', '.join(map(repr, reductions))}; accepted is one for all. "
        "Write loss.replaced(reduction='sum_over_batch_size') for those that differ"
    )


def terms_targets(records: Iterable[Record]) -> ParameterError:
    """Terms of a sum that read targets differently."""
    kinds = [f"{record.name} reads {record.target.describe()}" for record in records]
    return ParameterError(
        f"weighted_sum: {', '.join(kinds)}; accepted are terms that read the same targets. Write "
        "lossary.CategoricalCrossentropy() for the one with integer labels, and lossary.to_categorical(y_true)"
    )


def terms_shapes(loss: str, shapes: Iterable[tuple[int | None, ...]]) -> ShapeError:
    """Terms whose unreduced values do not have one shape."""
    return ShapeError(
        f"{loss}: the terms have values of shapes {', '.join(map(shape_text, shapes))}; accepted is one shape where "
        "nothing is reduced. Write loss.replaced(reduction='sum_over_batch_size')"
    )


def unknown_parameter(loss: str, name: str, known: Iterable[str]) -> ParameterError:
    """A keyword the loss does not have."""
    known = list(known)
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
    remedy = "The mean over data points is reduction='sum_over_batch_size'"
    if isinstance(reduction, str) and reduction.lower() in ("batchmean", "batch_mean", "mean_over_batch"):
        remedy = "PyTorch's batchmean is the mean over data points, the default reduction='sum_over_batch_size'"
    return ParameterError(
        f"{loss}: reduction is {shown(reduction)}; accepted are {', '.join(map(repr, accepted))}. {remedy}"
    )


def unknown_loss(name: str, names: Mapping[str, str], fold: Any) -> UnknownLossError:
    """No loss of this name; ``names`` maps folded spellings to canonical names."""
    wanted = fold(name)
    theirs = _peers.line(name)
    if theirs is not None:
        return UnknownLossError(f"unknown loss {name!r}; another library calls a loss so. Write {theirs}")
    bare = wanted.removeprefix("neg").removesuffix("loss")
    if bare in names:
        return UnknownLossError(f"unknown loss {name!r}; did you mean {names[bare]}? All names: lossary.names()")
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
        f"cannot make a loss of {shown(value)} ({type(value).__name__}); accepted are a name, a function of "
        "(y_true, y_pred), a loss object, a loss class, or the dict of get_config(). For example "
        "lossary.get('mean_squared_error')"
    )


def foreign_setting(name: str, setting: str, line: str) -> ParameterError:
    """Another library's loss with a setting that has no counterpart."""
    return ParameterError(
        f"lossary.get: {name} has {setting}, which no setting here stands for; accepted are losses without it. "
        f"Write {line}"
    )


def foreign_order(name: str, arguments: str) -> ParameterError:
    """A function of another library, or in its order, with the prediction first."""
    return ParameterError(
        f"lossary.get: {name} takes {arguments}; accepted are functions of (y_true, y_pred), and losses of other "
        f"libraries that are among ours. Write lossary.get(lambda y_true, y_pred: loss(y_pred, y_true)), where loss "
        "is it"
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
