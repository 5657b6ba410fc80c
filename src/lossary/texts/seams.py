"""What is said where other libraries' conventions are kept, in their own words."""

from __future__ import annotations

import math
import re
from typing import Any

from ..errors import BackendError, DomainError, DTypeError, LossError, ParameterError, ShapeError
from ..facts.record import Record
from .calls import shown
from .shapes import remedy, shape_text

# What PyTorch calls what is ours, of every loss and of those that have its names.
_ARGUMENTS = {"y_true": "target", "y_pred": "input"}
_PARAMETERS = {"ignore_class": "ignore_index", "sample_weight": "weight"}
_ELEMENT = r"((?:input|target|first|second|weight)(?:'s \w+)?\[[\d, ]*), 0\]"
_WITH_LOGITS = "lossary.torch.BCEWithLogitsLoss()"


def no_formula(cls: type) -> LossError:
    """A class that is derived from the base of all losses, as losses of Keras and modules of PyTorch are."""
    return LossError(
        f"{cls.__name__}: lossary.Loss has no formula; accepted are functions of (y_true, y_pred). Write lossary.get("
        "lambda y_true, y_pred: abs(y_pred - y_true).mean(-1)) with a formula of yours, or one with @lossary.loss"
    )


def in_torch_words(error: LossError, own: bool, elements: bool) -> LossError:
    """The same error with what it names called as in PyTorch, of a loss of its ``own`` names or any other."""
    words = {**_ARGUMENTS, **_PARAMETERS} if own else _ARGUMENTS
    text = str(error)
    if own:
        text = text.replace("lossary.binary_crossentropy(y_true, y_pred, from_logits=True)", _WITH_LOGITS)
    text = re.sub("|".join(words), lambda found: words[found[0]], text)
    # Elements are rows of one, of which nobody has heard.
    return type(error)(re.sub(_ELEMENT, r"\1]", text) if elements else text)


def module_swapped(name: str) -> ShapeError:
    """The target is trained and the input is not, and they do not fit."""
    return ShapeError(
        f"{name}: target requires a gradient and input does not, and they do not fit; accepted is the order (input, "
        "target). Write loss(input, target)"
    )


def module_target_trained(name: str) -> BackendError:
    """The target is trained and the input is not."""
    return BackendError(
        f"{name}: target requires a gradient and input does not; accepted is the order (input, target), where the "
        "input is trained. Write loss(input, target); where the target is trained on purpose, "
        "loss(input.detach().requires_grad_(), target)"
    )


def module_shapes(
    name: str,
    shape: tuple[int, ...],
    other: tuple[int, ...],
    names: tuple[str, str] = ("input", "target"),
) -> ShapeError:
    """Two arguments of a module that PyTorch would broadcast, the first of which has the right shape."""
    first, second = names
    advice = remedy(other, shape, "torch", names=(second, first), wanted=f"{first}.shape", of_model=second == "target")
    return ShapeError(
        f"{name}: {first} has shape {shape_text(shape)} and {second} {shape_text(other)}; accepted are equal shapes. "
        f"Nothing is broadcast: {advice}"
    )


def module_classes(name: str, input: tuple[int, ...], target: tuple[int, ...]) -> ShapeError:  # noqa: A002
    """Classes that are not along axis 1, or arguments in the other order."""
    got, labels = f"{name}: input has shape {shape_text(input)} and target {shape_text(target)}", input[:1] + input[2:]
    if len(target) > len(input) or (target[:1] + target[2:]) == input:
        return ShapeError(f"{got}; accepted is the order (input, target). Write loss(input, target)")
    if target == input[:-1]:
        return ShapeError(
            f"{got}; accepted are the classes along axis 1, as in PyTorch. Write loss(input.movedim(-1, 1), target)"
        )
    if target == input:
        line = "write target.float() of probabilities and rows of 0 and 1"
    elif len(target) == len(input) and math.prod(target) != math.prod(labels):
        line = remedy(target, input, "torch", names=("target", "input"), wanted="input.shape")
    else:
        line = remedy(target, labels, "torch", names=("target", "input"))
    return ShapeError(
        f"{got}; accepted are input (N, C, ...) with a target (N, ...) of class indices, or (N, C, ...) of "
        f"probabilities. {line[0].upper()}{line[1:]}"
    )


def module_number(name: str, argument: str) -> ShapeError:
    """A number where a module needs a vector."""
    return ShapeError(
        f"{name}: {argument} has shape (); accepted are vectors, (C,) for one data point and (N, C) for a batch. Write "
        f"{argument}.reshape(1) if its vector has one entry"
    )


def module_hidden(name: str, input: tuple[int, ...], target: tuple[int, ...]) -> ShapeError:  # noqa: A002
    """Vectors and labels of a last layer that do not belong to each other."""
    line = "input_.reshape(-1, input_.shape[-1]), target_.reshape(-1)"
    return ShapeError(
        f"{name}: input_ has shape {shape_text(input)} and target_ {shape_text(target)}; accepted are vectors (N, F) "
        f"with one label each, (N,), or one vector and its label. Write layer({line})"
    )


def module_label(name: str, got: int, classes: int) -> DomainError:
    """A label that names no class of a layer."""
    return DomainError(
        f"{name}: target_ holds {got}; accepted are labels 0 to {classes - 1}. Write rows = (target_ >= 0) & (target_ "
        f"< {classes}) and layer(input_[rows], target_[rows]) to leave such rows out"
    )


def module_negative(name: str, index: tuple[int, ...], got: float) -> DomainError:
    """Negative targets where probabilities belong, which are logarithms for the most part."""
    return DomainError(
        f"{name}: target[{', '.join(map(str, index))}] is {got:g}; accepted are probabilities, >= 0. Of logarithms of "
        "probabilities write log_target=True"
    )


def module_steps(name: str, argument: str, got: tuple[int, ...]) -> ShapeError:
    """What is no score of every class at every step."""
    return ShapeError(
        f"{name}: {argument} has shape {got}; accepted are (T, N, C), the classes' logarithms at each of T steps of N "
        f"sequences, and (T, C) for one sequence. Write {argument}.reshape(1, -1) if it holds one step of one sequence"
    )


def module_weight(name: str, argument: str, got: tuple[int, ...], classes: int) -> ShapeError:
    """Weights of classes that are not as many as there are classes."""
    return ShapeError(
        f"{name}: {argument} has shape {shape_text(got)}; accepted is one weight per class, ({classes},). Write "
        f"{argument}=torch.ones({classes}) with weights of yours"
    )


def module_setting(name: str, setting: str, value: Any, accepted: str, line: str) -> ParameterError:
    """A setting of a module that is not one of those accepted."""
    return ParameterError(f"{name}: {setting}={shown(value)}; accepted {accepted}. Write {line}")


def module_fixed(name: str, setting: str, value: Any) -> ParameterError:
    """A setting of a module that is changed after the module was made."""
    return ParameterError(
        f"{name}: {setting} of a module is fixed, as the loss that computes is made with it; accepted are reduction "
        f"and sync. Write loss = lossary.torch.{name}({setting}={shown(value)})"
    )


def element_shapes(loss: str, predictions: tuple[int, ...], targets: tuple[int, ...]) -> ShapeError:
    """Two arrays under optax's names that JAX would broadcast."""
    advice = remedy(targets, predictions, "jax", names=("targets", "predictions"), wanted="predictions.shape")
    return ShapeError(
        f"{loss}: the predictions have shape {shape_text(predictions)} and the targets {shape_text(targets)}; accepted "
        f"are equal shapes. Nothing is broadcast: {advice}"
    )


def labels_to_smooth(got: str) -> DTypeError:
    """Labels of which no share can be taken away."""
    return DTypeError(
        f"smooth_labels: labels has dtype {got}; accepted are floats, one per class. Write jax.nn.one_hot(labels, "
        "num_classes) of integer labels, labels.astype(float) of rows of 0 and 1"
    )


def no_labels() -> ParameterError:
    """The Trainer found no labels in what the data set holds."""
    return ParameterError(
        "compute_loss_func: labels is None; accepted are the labels of the batch, which the Trainer hands over where "
        "the data set has a column of that name. Write dataset.rename_column('target', 'labels')"
    )


def no_logits(outputs: Any) -> ParameterError:
    """A model whose outputs have no scores."""
    kind = type(outputs).__name__
    return ParameterError(
        f"compute_loss_func: the model returned {kind} without logits; accepted are outputs with logits, a dict with "
        "'logits', or a tuple that begins with them. Write return {'logits': scores} in the model's forward"
    )


def of_one_prediction(record: Record, seam: str) -> LossError:
    """A loss of other arguments where there are only targets and what a model says of them."""
    return LossError(
        f"{record.name}: takes {', '.join(record.names)}, and {seam} has (y_true, y_pred); accepted are losses of "
        f"these. Write lossary.{record.class_name}()({', '.join(record.names)})"
    )
