"""A loss as a scorer of scikit-learn: what it asks an estimator for, and what becomes of class labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import make_scorer, mean_squared_error

from .. import texts
from ..facts.domain import Bits, Classes, OneHot, Signs
from ..objects.get import get
from ..objects.loss import Loss

Floats = np.ndarray[Any, Any]
_LOG_LOSS = {"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"}
# What `make_scorer` returns: the one place where scikit-learn's routing of weights to scorers is public.
_Scorer: Any = type(make_scorer(mean_squared_error))


class LossScorer(_Scorer):
    """A scorer: minus the weighted mean of a loss, so that more is better."""

    def __init__(self, loss: Any) -> None:
        self.loss: Loss = get(loss)
        if not self.loss.record.has_usual_names:
            raise texts.of_one_prediction(self.loss.record, "a scorer")
        mean = self.loss.replaced(reduction="mean_with_sample_weight")
        super().__init__(mean, -1, {}, _methods(self.loss)[0])

    def __repr__(self) -> str:
        return f"scorer({self.loss!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.loss, getattr(self, "_metadata_request", None))

    def __sklearn_clone__(self) -> LossScorer:
        return _restored(self.loss, getattr(self, "_metadata_request", None))

    def _score(self, _: Any, estimator: Any, X: Any, y_true: Any, **given: Any) -> float:  # noqa: N803
        method = self._method(estimator)
        y_true, y_pred = _dense(y_true), _dense(getattr(estimator, method)(X))
        loss = self.loss
        if method == "predict_proba" and loss.parameters.get("from_logits"):
            loss = loss.replaced(from_logits=False)
        if method == "predict_proba":
            loss = _kept_inside(loss, y_pred)
        classes = getattr(estimator, "classes_", None)
        if classes is not None and method != "predict":
            outputs = _of_outputs(loss, classes, np.asarray(y_true), y_pred)
        elif isinstance(loss.record.target, Classes | OneHot | Bits | Signs) and np.asarray(y_true).dtype.kind in "OUS":
            raise texts.scorer_needs_classes(loss.name, type(estimator).__name__)
        else:
            outputs = [(y_true, np.asarray(y_pred))]
        mean = loss.replaced(reduction="mean_with_sample_weight")
        return -float(np.mean([mean(*pair, sample_weight=given.get("sample_weight")) for pair in outputs]))

    def _method(self, estimator: Any) -> str:
        methods = _methods(self.loss)
        found = next((method for method in methods if hasattr(estimator, method)), None)
        if found is None:
            raise texts.scorer_method(self.loss.name, type(estimator).__name__, methods)
        return found


def _restored(loss: Loss, request: Any) -> LossScorer:
    made = LossScorer(loss)
    if request is not None:
        made._metadata_request = request
    return made


def _dense(values: Any) -> Any:
    """SciPy's sparse matrices, as several labels come, as arrays."""
    return values.toarray() if hasattr(values, "toarray") else values


def _kept_inside(loss: Loss, y_pred: Any) -> Loss:
    """A cross-entropy with the guard of `sklearn.metrics.log_loss`, the last digit of the dtype, unless it has one."""
    if loss.record.name not in _LOG_LOSS or loss.parameters["epsilon"] != loss.record.defaults()["epsilon"]:
        return loss
    dtype = np.result_type(*y_pred) if isinstance(y_pred, list) else np.asarray(y_pred).dtype
    return loss.replaced(epsilon=float(np.finfo(dtype).eps))


def _methods(loss: Loss) -> tuple[str, ...]:
    """What an estimator is asked for, by what the loss takes."""
    record = loss.record
    if not isinstance(record.target, Classes | OneHot | Bits | Signs):
        return ("predict",)
    if loss.parameters.get("from_logits"):
        return "decision_function", "predict_proba"
    if record.prediction.coding in ("probabilities", "one-hot"):
        return "predict_proba", "predict"
    return "decision_function", "predict"


def _of_outputs(loss: Loss, classes: Any, y_true: Floats, y_pred: Any) -> list[tuple[Floats, Floats]]:
    """Targets and predictions as the loss reads them: one pair per output, and one of all labels that exclude none."""
    if isinstance(y_pred, list):
        each = zip(classes, y_true.T, y_pred, strict=True)
        return [_of_classes(loss, np.asarray(own), labels, np.asarray(found)) for own, labels, found in each]
    if y_true.ndim == 2 and y_true.shape[1] > 1:
        bits = y_true.astype(np.float64)
        return [(2.0 * bits - 1.0 if isinstance(loss.record.target, Signs) else bits, np.asarray(y_pred))]
    return [_of_classes(loss, np.asarray(classes), y_true, np.asarray(y_pred))]


def _of_classes(loss: Loss, classes: Floats, y_true: Floats, y_pred: Floats) -> tuple[Floats, Floats]:
    """Labels as the loss reads them, and predictions of as many columns as it takes."""
    place = np.searchsorted(classes, y_true.reshape(-1))
    known = np.minimum(place, len(classes) - 1)
    wrong = classes[known] != y_true.reshape(-1)
    if wrong.any():
        raise texts.unseen_label(loss.name, y_true.reshape(-1)[wrong][0], classes)
    target = loss.record.target
    if isinstance(target, Classes | OneHot):
        if y_pred.ndim == 1:  # Two classes of which one score tells.
            y_pred = np.stack([np.zeros_like(y_pred), y_pred], axis=1)
        return known if isinstance(target, Classes) else np.eye(len(classes))[known], y_pred
    if len(classes) != 2:
        raise texts.more_than_two(loss.name, len(classes))
    column = y_pred[:, 1] if y_pred.ndim == 2 else y_pred
    return (2.0 * known - 1.0 if isinstance(target, Signs) else known.astype(np.float64)), column
