"""A loss in scikit-learn's histogram gradient boosting, by the interface of its own losses."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn._loss.link import IdentityLink, LogitLink, LogLink, MultinomialLogit
from sklearn._loss.loss import AbsoluteError, BaseLoss, PinballLoss
from sklearn.utils.metaestimators import available_if

from ..facts.domain import Bits, Classes, OneHot, Signs
from .boosting import Boosting, Convention, Floats, Measure

_LINKS = {"identity": IdentityLink, "log": LogLink, "logit": LogitLink, "softmax": MultinomialLogit}
# sklearn._loss.loss of scikit-learn 1.9 has halves of deviances.
_OWN = {
    "mean_squared_error": Convention("HalfSquaredError", factor=0.5),
    "binary_crossentropy": Convention("HalfBinomialLoss"),
    "poisson": Convention("HalfPoissonLoss"),
    "gamma_deviance": Convention("HalfGammaLoss", factor=0.5),
    "tweedie_deviance": Convention("HalfTweedieLoss", factor=0.5),
    "categorical_crossentropy": Convention("HalfMultinomialLoss"),
    "sparse_categorical_crossentropy": Convention("HalfMultinomialLoss"),
}


class _Derivatives(Boosting):
    conventions: ClassVar = _OWN
    classes: ClassVar = "lossary.BinaryCrossentropy() for two classes"


def _is_of_classes(made: Any) -> bool:
    """Whether targets are classes, for which scikit-learn looks at ``predict_proba``: it sets them apart by shares."""
    return isinstance(made.boosting.loss.record.target, Bits | Classes | OneHot | Signs)


class HistLoss(BaseLoss):
    """A loss for ``HistGradientBoostingRegressor(loss=...)`` and ``HistGradientBoostingClassifier(loss=...)``.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
        link: What makes predictions of raw scores, as in `lossary.grad_and_hess`.
        hessian: ``"auto"``, or as in `lossary.grad_and_hess`.  For `mean_absolute_error` and `pinball` ``"auto"`` is
            what scikit-learn does itself: a constant one, and leaves that are medians or quantiles.

    `predict` and `predict_proba` apply the link.  Early stopping watches the loss.
    """

    def __init__(self, loss: Any, link: str = "auto", hessian: str = "auto") -> None:
        self.boosting = _Derivatives(loss, link, hessian)
        own = self.boosting.loss
        super().__init__(None, _LINKS[self.boosting.link](), n_classes=None)
        self._measure = Measure(loss, link)
        self._arguments = (own, link, hessian)
        self.is_multiclass = isinstance(own.record.target, Classes | OneHot)
        # What scikit-learn has itself to say of residuals: slopes, and the leaves that are best for them.
        self._residuals: Any = None
        if hessian == "auto" and link in ("auto", "identity") and own.record.name in ("mean_absolute_error", "pinball"):
            quantile = own.parameters.get("quantile")
            self._residuals = AbsoluteError() if quantile is None else PinballLoss(quantile=quantile)
            self.differentiable = False
        self.approx_hessian = self._residuals is not None or self.boosting.hessian != "exact"

    def __repr__(self) -> str:
        return f"HistLoss({self.boosting.loss!r}, hessian={self.boosting.hessian!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return HistLoss, self._arguments, {"n_classes": self.n_classes}

    def loss(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any = None, loss_out: Any = None, n_threads: int = 1
    ) -> Floats:
        """The weighted loss of every data point."""
        scores = _scores(raw_prediction)
        values: Floats = np.asarray(self._measure.values(y_true, scores, sample_weight))
        if loss_out is None:
            return values
        loss_out[...] = values
        return loss_out  # type: ignore[no-any-return]

    def gradient(
        self, y_true: Any, raw_prediction: Any, sample_weight: Any = None, gradient_out: Any = None, n_threads: int = 1
    ) -> Floats:
        """The gradient of every data point."""
        return self.gradient_hessian(y_true, raw_prediction, sample_weight, gradient_out)[0]

    def loss_gradient(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any = None,
        loss_out: Any = None,
        gradient_out: Any = None,
        n_threads: int = 1,
    ) -> tuple[Floats, Floats]:
        """Both."""
        values = self.loss(y_true, raw_prediction, sample_weight, loss_out)
        return values, self.gradient(y_true, raw_prediction, sample_weight, gradient_out)

    def gradient_hessian(
        self,
        y_true: Any,
        raw_prediction: Any,
        sample_weight: Any = None,
        gradient_out: Any = None,
        hessian_out: Any = None,
        n_threads: int = 1,
    ) -> tuple[Floats, Floats]:
        """Gradient and Hessian of every data point."""
        if self._residuals is not None:
            given = y_true, _scores(raw_prediction), sample_weight, gradient_out, hessian_out, n_threads
            return self._residuals.gradient_hessian(*given)  # type: ignore[no-any-return]
        slope, curve = self.boosting.derivatives(y_true, _scores(raw_prediction), sample_weight)
        return _stored(slope, gradient_out), _stored(curve, hessian_out)

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> Any:
        """The best constant raw score, or one per class."""
        if self._residuals is not None:
            return self._residuals.fit_intercept_only(y_true, sample_weight)
        start = self.boosting.start(y_true, sample_weight)
        if self.is_multiclass:
            self.n_classes = len(start)
            return self.link.symmetrize_raw_prediction(start[None])[0] if self.boosting.link == "softmax" else start
        return start[0]

    @available_if(_is_of_classes)
    def predict_proba(self, raw_prediction: Any) -> Floats:
        """Probabilities of the classes."""
        scores = _scores(raw_prediction)
        found = self.boosting.inverse_link(scores)
        return found if found.ndim == 2 else np.stack([1.0 - found, found], axis=1)


def _scores(raw_prediction: Any) -> Floats:
    scores = np.asarray(raw_prediction)
    return scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores


def _stored(values: Floats, out: Any) -> Floats:
    if out is None:
        return values
    out[...] = values.reshape(out.shape)
    return out  # type: ignore[no-any-return]
