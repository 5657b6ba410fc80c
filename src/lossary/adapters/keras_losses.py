"""A lossary loss as Keras's own kinds of objects: a loss, and a metric."""

from __future__ import annotations

from typing import Any

import keras

from ..objects.combined import WeightedSum
from ..objects.define import Loss
from ..objects.function import FunctionLoss
from ..objects.get import get
from ..objects.several import ArgumentsLoss
from .keras_kin import both, mask_of, tensors, unread, weights

PACKAGE = "lossary.keras"


@keras.saving.register_keras_serializable(PACKAGE)
class KerasLoss(keras.losses.Loss):
    """A lossary loss as a ``keras.losses.Loss``, with a name and a dtype of its own.

    Sample weights and Keras's masks go to the loss's own reducer, so that a NaN under a mask, or with weight 0, touches
    neither value nor gradient.  ``lossary.keras.Model.compile`` makes these by itself.

    A function of the user's is shown all that the model returned; masks and weights apply to what it returns.

    Args:
        loss: Anything `lossary.get` understands: a name, a function, an object, a configuration, or your own function
            of backend tensors.
        name: The name Keras shows; the loss's own by default.
        dtype: What predictions are cast to; ``keras.config.floatx()`` by default, as in Keras.

    Raises:
        UnknownLossError: No loss has this name.

    >>> from lossary.keras import KerasLoss
    >>> import numpy as np
    >>> round(float(KerasLoss("huber")(np.zeros((2, 1)), np.array([[1.0], [3.0]]), np.array([1.0, 0.0]))), 4)
    0.25
    """

    def __init__(self, loss: Any, name: str | None = None, dtype: Any = None) -> None:
        self.loss: Loss = get(loss)
        super().__init__(name=name or self.loss.name, reduction=self.loss.reduction, dtype=dtype)
        # The name by which Keras itself knows this loss, if it was asked for by name.
        self.keras_name: str | None = None
        # Read values wherever they can be read, as somebody runs the model step by step to find out.
        self.looks = False

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss."""
        mask = mask_of(y_pred)
        loss = self._checked()
        with keras.name_scope(self.name):
            y_true, y_pred = tensors(loss, y_true, y_pred, self.dtype)
            sample_weight = weights(sample_weight, y_pred)
            if isinstance(loss, FunctionLoss):
                return loss.as_keras(y_true, y_pred, sample_weight, mask)
            return _called(loss, y_true, y_pred, sample_weight, mask)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The values per data point."""
        loss = self._checked().replaced(reduction="none")
        y_true, y_pred = tensors(loss, y_true, y_pred, self.dtype)
        if isinstance(loss, FunctionLoss):
            return loss.as_keras(y_true, y_pred, None, None)
        return _called(loss, y_true, y_pred, None, None)

    def _checked(self) -> Loss:
        """The loss, which reads values only if somebody asks: most of Keras's steps are compiled."""
        return unread(self.loss, "full" if self.looks else "shapes")

    def cls(self, **parameters: Any) -> Loss:
        """The lossary object, with parameters replaced: `lossary.get` accepts a KerasLoss too."""
        return get(self.loss, **parameters)

    @property
    def record(self) -> Any:
        """The facts about the loss."""
        return self.loss.record

    def get_config(self) -> dict[str, Any]:
        """Plain data; a function of the user's is recorded as Keras records functions."""
        return _config(self.loss) | {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasLoss:
        """The loss of a configuration."""
        return cls(**_given(config))

    def __repr__(self) -> str:
        return f"KerasLoss({self.loss!r})"


@keras.saving.register_keras_serializable(PACKAGE)
class KerasMetric(keras.metrics.Mean):
    """The mean of a lossary loss over all data points, each with its weight; masked ones do not count.

    ``lossary.keras.Model.compile`` makes these of whatever in ``metrics`` only lossary knows.

    Args:
        loss: Anything `lossary.get` understands.
        name: The name Keras shows; the loss's own by default.
        dtype: What is computed in; ``keras.config.floatx()`` by default.

    >>> from lossary.keras import KerasMetric
    >>> import numpy as np
    >>> metric = KerasMetric("huber")
    >>> metric.update_state(np.zeros((2, 1)), np.array([[1.0], [3.0]]), np.array([3.0, 1.0]))
    >>> float(metric.result())
    1.0
    """

    def __init__(self, loss: Any, name: str | None = None, dtype: Any = None) -> None:
        self.loss: Loss = get(loss)
        super().__init__(name=name or self.loss.name, dtype=dtype)
        self._direction = "down"
        # What counts for one term need not count for another, so each divides by its own.
        terms = self.loss.terms if isinstance(self.loss, WeightedSum) else ()
        self._terms = [KerasMetric(term, dtype=dtype) for term in terms]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds data points."""
        if isinstance(self.loss, WeightedSum):
            for term in self._terms:
                term.update_state(y_true, y_pred, sample_weight)
            return
        mask = mask_of(y_pred)
        loss = unread(self.loss, "shapes").replaced(reduction="none")
        y_true, y_pred = tensors(loss, y_true, y_pred, self.dtype)
        sample_weight = weights(sample_weight, y_pred)
        if type(loss).__call__ is Loss.__call__:  # It knows itself what counts; a label to ignore does not.
            total = loss.replaced(reduction="mean_with_sample_weight").total(y_true, y_pred, sample_weight, mask)
            self._add(total.sum, total.weight)
            return
        if isinstance(loss, FunctionLoss):
            values = loss.as_keras(y_true, y_pred, sample_weight, mask)
        else:
            values = _called(loss, y_true, y_pred, sample_weight, mask)
        count = keras.ops.ones_like(values)
        for each in (sample_weight, both(mask, mask_of(values))):
            if each is not None:
                count = count * _spread(keras.ops.cast(each, self.dtype), len(values.shape))
        self._add(keras.ops.sum(values), keras.ops.sum(count))

    def result(self) -> Any:
        """The mean so far."""
        if isinstance(self.loss, WeightedSum):
            return sum(w * term.result() for w, term in zip(self.loss.weights, self._terms, strict=True))
        return super().result()

    def reset_state(self) -> None:
        """Forgets all data points."""
        super().reset_state()
        for term in self._terms:
            term.reset_state()

    def _add(self, total: Any, count: Any) -> None:
        self.total.assign_add(keras.ops.cast(total, self.dtype))
        self.count.assign_add(keras.ops.cast(count, self.dtype))

    def get_config(self) -> dict[str, Any]:
        """Plain data; a function of the user's is recorded as Keras records functions."""
        return _config(self.loss) | {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasMetric:
        """The metric of a configuration."""
        return cls(**_given(config))


def _called(loss: Loss, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Any:
    """The reduced loss from the two arrays that a model has."""
    if isinstance(loss, ArgumentsLoss):
        return loss.of_model(y_true, y_pred, sample_weight, mask)
    # A subclass with a `__call__` of its own need not know masks.
    return loss(y_true, y_pred, sample_weight, **({} if mask is None else {"where": mask}))


def _spread(x: Any, rank: int) -> Any:
    """Leading axes, with the remaining ones of length one."""
    for _ in range(rank - len(x.shape)):
        x = keras.ops.expand_dims(x, -1)
    return x


def _config(loss: Loss) -> dict[str, Any]:
    if isinstance(loss, FunctionLoss):
        return {"function": keras.saving.serialize_keras_object(loss.function), "settings": loss.settings()}
    return {"loss": loss.get_config()}


def _given(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a configuration stands for."""
    config = dict(config)
    if "function" in config:
        function = keras.saving.deserialize_keras_object(config.pop("function"))
        config["loss"] = get(function, **config.pop("settings"))
    return config
