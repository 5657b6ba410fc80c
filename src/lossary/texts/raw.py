"""What is said about raw scores: links, Hessians, and what boosters hand over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import LossError, ParameterError, ShapeError, TraceError
from .calls import shown
from .shapes import shape_text

if TYPE_CHECKING:
    from ..facts.record import Record


def unknown_choice(loss: str, argument: str, value: Any, accepted: Iterable[str]) -> ParameterError:
    """A link, a Hessian or a device that there is not."""
    first, *rest = accepted
    listed = ", ".join(map(repr, [first, *rest]))
    return ParameterError(f"{loss}: {argument} is {shown(value)}; accepted are {listed}. Write {argument}={first!r}")


def link_of_logits(record: Record, name: str) -> ParameterError:
    """A link that does not lead to what a loss of logits takes."""
    return ParameterError(
        f"{record.name}: link is {name!r} with from_logits=True; accepted is the link that from_logits stands for. "
        f"Write link='auto', or lossary.{record.class_name}() for predictions through {name!r}"
    )


def link_of_rows(record: Record, name: str) -> ParameterError:
    """A link of rows for a loss of single outputs, or the other way round."""
    return ParameterError(
        f"{record.name}: link is {name!r}, and its predictions are {record.prediction.describe()}; accepted is a link "
        "that leads there. Write link='auto'"
    )


def links_differ(names: Iterable[str]) -> ParameterError:
    """Terms of a sum whose predictions lie in different sets."""
    return ParameterError(
        f"weighted_sum: the terms' usual links differ ({', '.join(names)}); accepted is one for all. "
        "Write link='identity', or which of them leads to the predictions"
    )


def several_predictions(record: Record) -> LossError:
    """A loss that is no function of one raw score per output."""
    return LossError(
        f"{record.name}: takes {', '.join(each.shown for each in record.inputs)}, and a raw score per output is one "
        "prediction of (y_true, y_pred); accepted are losses of one prediction per output. Its gradients are "
        f"lossary.value_and_grad(lossary.{record.class_name}(reduction='sum'))"
    )


def of_regions(record: Record) -> LossError:
    """A loss whose rows are regions of an image."""
    return LossError(
        f"{record.name}: compares whole regions, so that its Hessian has no diagonal that stands for it; accepted are "
        "losses of single outputs and of rows of scores. For pixels that stand each for themselves write "
        "lossary.BinaryCrossentropy(), or lossary.BinaryFocalCrossentropy() where few are positive"
    )


def no_curvature(loss: str, error: TraceError) -> TraceError:
    """A formula that is not made of words, or has no diagonal."""
    reason = str(error).removeprefix(f"{loss}: ")
    elsewhere = "any (y_true, y_pred) callable is accepted undecorated where a loss is"
    return TraceError(
        f"{loss}: {reason}".replace(
            elsewhere, "a callable of another kind can be handed to a host itself, with derivatives of its own"
        )
    )


def of_wholes(record: Record) -> LossError:
    """A loss that compares data points, or whose data points are matrices."""
    return LossError(
        f"{record.name}: looks at whole batches or sequences, so that its Hessian has no diagonal that stands for it; "
        "accepted are losses of single outputs and of rows of scores. Its gradients are "
        f"lossary.value_and_grad(lossary.{record.class_name}(reduction='sum'))"
    )


def no_majorizer(loss: str) -> ParameterError:
    """A loss of rows, whose best score has no place that a parabola could touch."""
    return ParameterError(
        f"{loss}: hessian is 'majorizer', which is a parabola around each target; accepted for losses of rows are "
        "'exact', 'positive' and 'constant'. Write hessian='positive'"
    )


def classes_of_scores(loss: str, got: int, wanted: int, write: str) -> ShapeError:
    """Raw scores with fewer columns than there are classes."""
    return ShapeError(
        f"{loss}: the raw scores have {got} column{'s' if got != 1 else ''} and the labels name {wanted} classes; "
        f"accepted is one column per class. Write {write}"
    )


def one_score(record: Record) -> LossError:
    """A loss of rows where there is one raw score per data point."""
    return LossError(
        f"{record.name}: is of the outputs of a data point together, and there is one raw score for each, of which its "
        "derivatives say nothing; accepted are losses of single outputs, and several scores per data point. Write "
        "lossary.MeanSquaredError() for numbers; lists that are ranked have objectives of the host's own"
    )


def labels_in_columns(loss: str) -> LossError:
    """A loss of one label per data point for several columns of targets."""
    return LossError(
        f"{loss}: is of one label per data point; accepted by MultiTargetObjective are losses of several columns of "
        f"targets. Write lossary.catboost.Objective({loss!r}), or lossary.catboost.MultiTargetObjective("
        "'binary_crossentropy') for labels that exclude none"
    )


def targets_without_curvature(loss: str, reason: str) -> LossError:
    """A loss whose parabolas cannot be evened, as CatBoost hands over one data point at a time."""
    return LossError(
        f"{loss}: hessian is 'majorizer' ({reason}), which is evened over data points, and of several targets CatBoost "
        "shows one at a time; accepted by MultiTargetObjective are losses whose second derivative is above 0. Write "
        "sklearn.multioutput."
        f"MultiOutputRegressor(catboost.CatBoostRegressor(**lossary.catboost.Objective({loss!r}).params()))"
    )


def no_constant(loss: str, shape: tuple[int | None, ...]) -> ShapeError:
    """Targets of which no constant can be made."""
    return ShapeError(
        f"{loss}: y_true has shape {shape_text(shape)}; accepted are targets (N,) or (N, C) of at least one data "
        "point. Write y_true.reshape(len(y_true), -1)"
    )


def scorer_method(loss: str, estimator: str, methods: Iterable[str]) -> LossError:
    """An estimator that has nothing of what a loss can be computed of."""
    return LossError(
        f"{loss}: {estimator} has none of {', '.join(methods)}; accepted are fitted estimators that have one. Write "
        "sklearn.calibration.CalibratedClassifierCV(estimator) for probabilities"
    )


def scorer_needs_classes(loss: str, estimator: str) -> LossError:
    """Labels that are text, and predictions that are labels too."""
    return LossError(
        f"{loss}: {estimator} predicts labels alone, and the targets are text; accepted are estimators with "
        "predict_proba or decision_function. Write sklearn.calibration.CalibratedClassifierCV(estimator)"
    )


def unseen_label(loss: str, label: Any, classes: Any) -> LossError:
    """A label that the estimator has not been fitted with."""
    return LossError(
        f"{loss}: y_true holds {label!r}, and the estimator knows {shown(list(classes))}; accepted are the classes "
        "that it was fitted with. Write cv=sklearn.model_selection.StratifiedKFold() so that every fold has all"
    )


def more_than_two(loss: str, count: int) -> LossError:
    """A loss of two classes for an estimator of more."""
    return LossError(
        f"{loss}: the estimator knows {count} classes, and this loss is of two; accepted are losses of rows of "
        "classes. Write lossary.sklearn.scorer('sparse_categorical_crossentropy')"
    )
