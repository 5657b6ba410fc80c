"""What is said about parameters, objects, own functions and sums of losses; texts about calls: `calls`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import BackendError, DTypeError, ParameterError, ShapeError, UnknownLossError
from ..facts.registry import enrolled
from .calls import shown
from .shapes import shape_text

if TYPE_CHECKING:
    from ..facts.record import Parameter, Record


def parameter_value(loss: str, parameter: Parameter, value: Any) -> ParameterError:
    """A parameter outside its range."""
    accepted = "a number" if parameter.allowed is None else parameter.allowed.describe()
    record, several = enrolled(loss), getattr(value, "tolist", lambda: value)()
    # What papers on focal losses call alpha is often one weight per class.
    listed = parameter.name == "alpha" and isinstance(several, list | tuple)
    if listed and record and loss.endswith("focal_crossentropy"):
        line = f"Weights of classes are lossary.{record.class_name}(alpha=1.0, class_weight={shown(list(several))})"
    else:
        line = f"The default is {parameter.name}={parameter.default!r}"
    return ParameterError(f"{loss}: {parameter.name} is {shown(value)}; accepted is {accepted}. {line}")


def no_scores(record: Record, temperature: Any) -> ParameterError:
    """A temperature for predictions that are no scores."""
    return ParameterError(
        f"{record.name}: temperature is {shown(temperature)} with from_logits=False; accepted is a temperature for raw "
        f"scores. Write lossary.{record.class_name}(from_logits=True, temperature={shown(temperature)})"
    )


def weights_count(record: Record, name: str, got: int, wanted: int) -> ParameterError:
    """Weights that are not as many as there are classes or outputs."""
    per = "class" if name == "class_weight" else "output"
    written = "{0: 1.0, 1: 2.0}" if name == "class_weight" and wanted == 2 else f"[1.0] * {wanted}"
    return ParameterError(
        f"{record.name}: {name} has {got} weights; accepted is one per {per}, of which there are {wanted}. Write "
        f"lossary.{record.class_name}({name}={written}) with weights of yours"
    )


def weights_of_rows(record: Record) -> ParameterError:
    """Weights per output of a loss that sees all outputs of a data point at once."""
    return ParameterError(
        f"{record.name}: class_weight and pos_weight are one weight per output, and this loss has one value for all "
        f"outputs of a data point; accepted is one weight per data point. Write lossary.{record.class_name}()"
        "(y_true, y_pred, sample_weight=weights)"
    )


def fixed_parameter(loss: str, name: str, value: Any, replaceable: bool) -> AttributeError:
    """Assignment to a parameter or setting of a configured object, or to what it is made of."""
    remedy = f"make a new one: loss = loss.replaced({name}={value!r})"
    if not replaceable:
        remedy = "loss.replaced(...) makes a new one with other parameters and settings"
    return AttributeError(
        f"{loss}: {name} of an object is fixed, because objects are compared, hashed and saved by their parameters; "
        + remedy
    )


def parameter_beyond(record: Record, parameter: Parameter, value: float) -> ParameterError:
    """A parameter that is in its range, and is 0 in the dtype that is computed in."""
    wide = ", ".join(f"numpy.asarray({name}, 'float64')" for name in record.names)
    allowed: Any = parameter.allowed
    return ParameterError(
        f"{record.name}: {parameter.name} is {value!r}, and 0 in float32; accepted is {allowed.describe()}. "
        f"Write lossary.{record.class_name}({parameter.name}={value!r})({wide})"
    )


def own_call(loss: str, cls: str, asked: str) -> ParameterError:
    """A user's class with a ``__call__`` of its own, where only the formula of its parent could answer."""
    return ParameterError(
        f"{loss}: {cls} has a __call__ of its own, of which {asked} knows nothing; accepted are losses by their "
        "formula. Define it with @lossary.loss, or as a sum: 10.0 * lossary.Huber()"
    )


def setting_name(loss: str, name: Any) -> ParameterError:
    """A name that is no text."""
    return ParameterError(
        f"{loss}: name is {name!r}; accepted is a text, or None for the loss's own. Write name='my_{loss}'"
    )


def axis_kind(loss: str, axis: Any) -> ParameterError:
    """An axis that is no whole number."""
    return ParameterError(
        f"{loss}: axis is {axis!r}; accepted are a whole number, the axis of the outputs of a data point, usually "
        "axis=-1, a tuple of them where the outputs lie along several axes, such as axis=(1, 2), or None for all axes"
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


def configuration_of_another(asked: str, named: str) -> ParameterError:
    """One loss's configuration given to another loss's class."""
    return ParameterError(
        f"{asked}.from_config was given a configuration of {shown(named)}; accepted is one of {asked}. "
        "Write lossary.get(config), which finds the class by its name"
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


def terms_arguments(records: Iterable[Record]) -> ParameterError:
    """Terms of a sum that take different arguments."""
    kinds = [f"{record.name} takes ({', '.join(each.shown for each in record.inputs)})" for record in records]
    return ParameterError(
        f"weighted_sum: {', '.join(kinds)}; accepted are terms that take the same arguments. Add up what they return: "
        "total = first(y_true, y_pred) + second(anchor, positive, negative)"
    )


def terms_shapes(loss: str, shapes: Iterable[tuple[int | None, ...]]) -> ShapeError:
    """Terms whose unreduced values do not have one shape."""
    return ShapeError(
        f"{loss}: the terms have values of shapes {', '.join(map(shape_text, shapes))}; accepted is one shape where "
        "nothing is reduced. Write loss.replaced(reduction='sum_over_batch_size')"
    )


def not_a_total(value: Any) -> TypeError:
    """Something else is added to a total."""
    return TypeError(
        f"a total cannot be added to {shown(value)} ({type(value).__name__}); accepted are totals of the same loss. "
        "Write loss.total(y_true, y_pred) for the other, and .mean() once all are added up"
    )


def no_others(library: str, method: str, known: str) -> BackendError:
    """A total over processes or devices in a library that has no such, or by another name."""
    names = {"sync": "total.sync()", "psum": "total.psum('batch'), with the axis_name of the devices"}
    write = f"Write {names[known]}" if known else "Write sum(totals) over what the processes return"
    return BackendError(
        f"total.{method}: arrays of {library} have no processes or devices to sum over in this way; accepted are "
        f"tensors of PyTorch and TensorFlow with sync(), arrays of JAX with psum(axis_name). {write}"
    )


def no_total(name: str, points: tuple[int | None, ...]) -> ShapeError:
    """A user's function of which no sum and weight are known."""
    return ShapeError(
        f"{name}: the function returned one number for the whole batch, of which nothing says how much it weighs; "
        f"accepted for total() is one value per data point, {shape_text(points)}. Reduce over the outputs only, for "
        "example mean(..., axis=-1)"
    )


def not_axes(ax: object) -> DTypeError:
    """`lossary.plot` was given something else to draw into."""
    return DTypeError(
        f"lossary.plot: ax is {shown(ax)}; accepted are one matplotlib Axes for the value, or two for value and slope. "
        "For example lossary.plot('huber', ax=matplotlib.pyplot.subplots(1, 2)[1])"
    )


def axes_differ(labels: Sequence[str]) -> ShapeError:
    """One pair of axes cannot show losses that are drawn over different quantities."""
    over = " and ".join(f"'{' '.join(label.split())}'" for label in labels)
    return ShapeError(
        f"lossary.plot: these losses are drawn over {over}; accepted with ax are losses over one of them. Leave ax "
        "out for a row of panels each, or give each its own: lossary.plot('huber', ax=left), "
        "lossary.plot('hinge', ax=right)"
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


def missing_arguments(loss: str, missing: list[str], signature: Any) -> TypeError:
    """A call without an array that the loss is about."""
    return TypeError(
        f"{loss}: missing {' and '.join(missing)}; accepted are {loss}{signature}. Write lossary.{loss}"
        f"({', '.join(name for name, p in signature.parameters.items() if p.default is p.empty)})"
    )


def formula_signature(name: str, signature: Any, arguments: Iterable[str]) -> ParameterError:
    """A formula whose arguments cannot be understood."""
    named = ", ".join(arguments)
    return ParameterError(
        f"{name}: a loss starts with ({named}) and its further parameters have defaults; got {name}{signature}. "
        f"Write def {name}({named}, *, alpha=0.5): ..."
    )


def callable_shape(name: str, got: tuple[int | None, ...], points: tuple[int | None, ...]) -> ShapeError:
    """A user's function did not return one number per data point."""
    return ShapeError(
        f"{name}: the function returned shape {shape_text(got)}; accepted is one value per data point, "
        f"{shape_text(points)}. Reduce over the outputs only, for example mean(..., axis=-1)"
    )


def callable_total(name: str, argument: str, points: tuple[int | None, ...]) -> ShapeError:
    """A user's function returned one number for a whole batch that has weights or a mask."""
    return ShapeError(
        f"{name}: the function returned one number for the whole batch, which {argument}= (or Keras's mask or weights) "
        f"cannot reach; accepted with {argument} is one value per data point, {shape_text(points)}. Reduce over the "
        "outputs only, for example mean(..., axis=-1)"
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
