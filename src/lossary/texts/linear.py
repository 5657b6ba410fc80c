"""What is said about losses of scores that are never held at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import BackendError, ParameterError, ShapeError
from .calls import shown
from .shapes import shape_text

if TYPE_CHECKING:
    from ..facts.record import Record


def linear_shapes(loss: str, shapes: Mapping[str, Iterable[int | None]]) -> ShapeError:
    """Hidden vectors, weight and bias that do not belong together."""
    got = ", ".join(f"{name} {shape_text(shape)}" for name, shape in shapes.items())
    hidden, weight = tuple(shapes["hidden"]), tuple(shapes["weight"])
    remedy = "Write loss(y_true, hidden, layer.weight, layer.bias) with the hidden vectors that the layer gets"
    if len(hidden) == 1:
        remedy = "Write hidden[None] and y_true[None] for a single token"
    elif len(weight) == 2 and weight[0] == hidden[-1]:
        remedy = "A kernel of Keras or Flax lies the other way round: write kernel.T for the weight"
    return ShapeError(
        f"{loss}: the shapes are {got}; accepted are hidden (..., features), weight (vocabulary, features) and bias "
        f"(vocabulary,). {remedy}"
    )


def linear_labels(
    loss: str, shape: Iterable[int | None], tokens: Iterable[int | None], vocabulary: int | None
) -> ShapeError:
    """Integer labels that are not as many as tokens."""
    shape, tokens = tuple(shape), tuple(tokens)
    remedy = "To predict the next token write shift=1, with as many labels as hidden vectors"
    if shape == (*tokens, vocabulary):
        remedy = "Rows of targets are those of lossary.linear(lossary.CategoricalCrossentropy(from_logits=True))"
    return ShapeError(
        f"{loss}: y_true has shape {shape_text(shape)}; accepted is one label per hidden vector, {shape_text(tokens)}. "
        f"{remedy}"
    )


def linear_rows(loss: str, shape: Iterable[int | None], wanted: Iterable[int | None]) -> ShapeError:
    """Rows of targets that are not like the scores."""
    return ShapeError(
        f"{loss}: y_true has shape {shape_text(shape)}; accepted is one row of targets per hidden vector, "
        f"{shape_text(wanted)}. Integer labels are those of "
        "lossary.linear(lossary.SparseCategoricalCrossentropy(from_logits=True))"
    )


def linear_probabilities(record: Record) -> ParameterError:
    """A loss of something else than raw scores."""
    remedy = "Write lossary.linear(lossary.SparseCategoricalCrossentropy(from_logits=True))"
    if "from_logits" in record.defaults():
        remedy = f"Write lossary.linear(lossary.{record.class_name}(from_logits=True))"
    return ParameterError(
        f"linear: the loss is {record.class_name}, whose predictions are {record.prediction.describe()}; accepted are "
        f"losses of raw scores, which hidden @ weight.T + bias gives. {remedy}"
    )


def linear_loss(name: str, why: str) -> ParameterError:
    """A loss that is none of a row of scores."""
    return ParameterError(
        f"linear: the loss is {name}, {why}; accepted are losses of (y_true, y_pred) in words. Write "
        "lossary.linear(lossary.SparseCategoricalCrossentropy(from_logits=True)), or your formula with @lossary.loss"
    )


def linear_around(record: Record) -> ParameterError:
    """Weights per output."""
    return ParameterError(
        f"linear: the loss is {record.class_name} with weights per output; accepted are weights per token. Write "
        f"lossary.linear(lossary.{record.class_name}(from_logits=True))(y_true, hidden, weight, sample_weight=weights)"
    )


def linear_setting(loss: str, name: str, value: Any, accepted: str, line: str) -> ParameterError:
    """A setting outside its range."""
    return ParameterError(f"{loss}: {name} is {shown(value)}; accepted is {accepted}. Write {line}")


def linear_ignored(loss: str, ignored: Any) -> ParameterError:
    """A class to ignore beside rows of targets, which name no class."""
    return ParameterError(
        f"{loss}: ignore_class is {shown(ignored)} and y_true holds rows of targets, of which none is one class; "
        "accepted is ignore_class beside integer labels. To leave tokens out write where=mask, True where one counts"
    )


def linear_library(loss: str, library: str) -> BackendError:
    """Arrays of a library that has no loop over chunks."""
    return BackendError(
        f"{loss}: hidden is an array of {library}; accepted are arrays of NumPy, PyTorch, JAX and TensorFlow. With "
        "the scores in memory write lossary.SparseCategoricalCrossentropy(from_logits=True)(y_true, hidden @ weight.T)"
    )


def linear_in_keras(loss: str) -> ParameterError:
    """A model of Keras, whose losses see its outputs alone."""
    return ParameterError(
        f"{loss}: a model of Keras hands (y_true, y_pred) to its loss, and this one takes (y_true, hidden, weight); "
        "accepted is a call of your own. Give the model its scores and write "
        "loss=lossary.SparseCategoricalCrossentropy(from_logits=True), or train with JAX or PyTorch and "
        "loss(y_true, hidden, layer.kernel.T)"
    )


def linear_function(loss: str) -> ParameterError:
    """What only losses of predictions have."""
    return ParameterError(
        f"{loss}: this takes a loss of (y_true, y_pred), and this one takes (y_true, hidden, weight); accepted is "
        "the loss of the scores. Write lossary.SparseCategoricalCrossentropy(from_logits=True) with hidden @ weight.T"
    )


def linear_no_processes(loss: str, kind: str) -> BackendError:
    """Several processes that do not know of each other."""
    return BackendError(
        f"{loss}: parallel is {kind!r} and torch.distributed has not begun; accepted are processes that know each "
        "other. Write torch.distributed.init_process_group() first, or parallel=None"
    )


def linear_spread_library(loss: str, kind: str, library: str) -> BackendError:
    """Several processes with arrays of another library than PyTorch."""
    return BackendError(
        f"{loss}: parallel is {kind!r} and hidden is an array of {library}; accepted are PyTorch's tensors. Write "
        "parallel=None; arrays of JAX that are spread over devices need nothing besides"
    )


def linear_split(loss: str, word: str) -> ParameterError:
    """A formula that needs a whole row in one place."""
    return ParameterError(
        f"{loss}: parallel is 'vocabulary' and the formula uses {word}, which needs a whole row of scores; accepted "
        "are sums, means and maxima over the row, as cross-entropy is made of. Write parallel='tokens', with the whole "
        "weight on every process"
    )


def linear_split_again(loss: str) -> BackendError:
    """Second derivatives, transforms and recordings of what several processes compute."""
    return BackendError(
        f"{loss}: parallel is given, and its gradient is to be differentiated, transformed or recorded; accepted is "
        "backward() on the tensors that are trained. Write parallel=None on one process"
    )
