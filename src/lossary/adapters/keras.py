"""Keras's loss and model classes around lossary losses."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
from keras.src.backend import get_keras_mask
from keras.src.models.functional import Functional as KerasFunctional

from .._function import FunctionLoss
from .._get import get
from .._loss import Loss
from ..backends import settle
from ..doctor.first_batch import When
from ..errors import UnknownLossError
from .keras_caller import announce, unreduced
from .keras_doctor import BY_SHAPE, Examination

PACKAGE = "lossary.keras"

announce()


@keras.saving.register_keras_serializable(PACKAGE)
class KerasLoss(keras.losses.Loss):
    """A lossary loss as a ``keras.losses.Loss``, for wherever Keras wants one.

    Sample weights and Keras's masks go to the loss's own reducer, so that a NaN under a mask touches neither value nor
    gradient.  ``lossary.keras.Model.compile`` makes these by itself.

    Args:
        loss: Anything `lossary.get` understands: a name, a function, an object, a configuration, or your own function
            of backend tensors that returns one scalar per data point.
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

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss."""
        mask = get_keras_mask(y_pred)
        with keras.name_scope(self.name):
            y_true, y_pred = self._tensors(y_true, y_pred)
            if sample_weight is not None:
                sample_weight = _without_trailing_ones(keras.ops.convert_to_tensor(sample_weight, dtype=self.dtype))
            if mask is not None:
                mask = _without_trailing_ones(keras.ops.cast(mask, "bool"))
            return self._per_replica(self.loss(y_true, y_pred, sample_weight, mask))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The values per data point."""
        return unreduced(self.loss)(*self._tensors(y_true, y_pred))

    def cls(self, **parameters: Any) -> Loss:
        """The lossary object, with parameters replaced: `lossary.get` accepts a KerasLoss too."""
        return get(self.loss, **parameters)

    @property
    def record(self) -> Any:
        """The facts about the loss."""
        return self.loss.record

    def _tensors(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Both arguments in Keras's backend; a trailing axis of length one that only one of them has goes or comes."""
        y_pred = keras.ops.convert_to_tensor(y_pred, dtype=self.dtype)
        # A user's function sees what Keras would show it.  Ours keep integer labels exact, and recognise them.
        plain = isinstance(self.loss, FunctionLoss)
        y_true = keras.ops.convert_to_tensor(y_true, dtype=self.dtype if plain else None)
        if not self.loss.record.labels_are_integers:
            ranks = len(y_true.shape) - len(y_pred.shape)
            if ranks == -1 and y_pred.shape[-1] == 1:
                y_true = keras.ops.expand_dims(y_true, -1)
            elif ranks == 1 and y_true.shape[-1] == 1 and len(y_pred.shape) > 1:
                y_true = keras.ops.squeeze(y_true, -1)
        return y_true, y_pred

    def _per_replica(self, value: Any) -> Any:
        """Under ``tf.distribute`` the replicas' means are added up, so each counts for its share."""
        if keras.backend.backend() != "tensorflow" or self.reduction in ("sum", "none", None):
            return value
        import tensorflow as tf

        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return value / replicas if replicas > 1 else value

    def get_config(self) -> dict[str, Any]:
        """Plain data; a function of the user's is recorded as Keras records functions."""
        if isinstance(self.loss, FunctionLoss):
            function = keras.saving.serialize_keras_object(self.loss.function)
            return {"function": function, "settings": self.loss.settings(), "name": self.name, "dtype": self.dtype}
        return {"loss": self.loss.get_config(), "name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasLoss:
        """The loss of a configuration."""
        config = dict(config)
        if "function" in config:
            function = keras.saving.deserialize_keras_object(config.pop("function"))
            return cls(get(function, **config.pop("settings")), **config)
        return cls(config.pop("loss"), **config)

    def __repr__(self) -> str:
        return f"KerasLoss({self.loss!r})"


def _without_trailing_ones(x: Any) -> Any:
    """Weights and masks of shape (N, 1) mean one number per data point."""
    while len(x.shape) > 1 and x.shape[-1] == 1:
        x = keras.ops.squeeze(x, -1)
    return x


def resolve(loss: Any) -> Any:
    """What ``compile(loss=...)`` was given, with every lossary loss in it as a `KerasLoss`.

    Args:
        loss: A name, function, object or configuration; a list or dict of these, per output; None for no loss.

    Returns:
        The same structure.  What only Keras knows (its own objects and functions, "dice", "crossentropy") stays.

    Raises:
        UnknownLossError: Neither lossary nor Keras knows the name.
    """
    if loss is None or isinstance(loss, keras.losses.Loss):
        return loss
    if _is_keras_own(loss):
        return keras.losses.get(loss) if isinstance(loss, Mapping) else loss
    if isinstance(loss, list | tuple):
        return type(loss)([resolve(each) for each in loss])
    if isinstance(loss, Mapping) and "class_name" not in loss:
        return {output: resolve(each) for output, each in loss.items()}
    try:
        return KerasLoss(loss)
    except UnknownLossError:
        if _keras_knows(loss):
            return keras.losses.get(loss) if isinstance(loss, Mapping) else loss
        raise


def _is_keras_own(loss: Any) -> bool:
    if isinstance(loss, str):
        return loss.lower() in BY_SHAPE
    if isinstance(loss, Mapping):
        return str(loss.get("module", "")).split(".")[0] == "keras"
    if inspect.isclass(loss) and not issubclass(loss, Loss):
        return True
    return (getattr(loss, "__module__", None) or "").split(".")[0] == "keras"


def _keras_knows(loss: Any) -> bool:
    try:
        return keras.losses.get(loss) is not None
    except (ValueError, TypeError):
        return False


class _Compiles:
    """Gives a Keras model class a ``compile`` that resolves lossary losses, and a ``fit`` that the doctor looks at."""

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, doctor: When = "warn", **settings: Any
    ) -> None:
        """As ``keras.Model.compile``; ``loss`` may also be anything `lossary.get` understands, for each output.

        With ``doctor="warn"`` or ``"raise"`` the first ``fit`` begins with a look at the first targets, the last layer
        and the metrics of each output, as `lossary.diagnose` does; ``"off"`` leaves it out.

        Raises:
            UnknownLossError: Neither lossary nor Keras knows a name; the message lists the nearest ones.
            ParameterError: ``doctor`` is none of the three.
        """
        resolved = resolve(loss)
        super().compile(optimizer, resolved, *args, **settings)  # type: ignore[misc]
        # Keras takes loss weights and metrics by position too.
        metrics = args[1] if len(args) > 1 else settings.get("metrics")
        self._examination = Examination.ordered(resolved, metrics, doctor)

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, *args: Any, **settings: Any) -> Any:
        """As ``keras.Model.fit``."""
        examination, self._examination = getattr(self, "_examination", None), None
        if examination is not None:
            x = examination.look(self, x, y, batch_size)
        history = super().fit(x, y, batch_size, *args, **settings)  # type: ignore[misc]
        settle()  # What check="async" found in the last steps, or waits to be asked for.
        return history

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model; Keras asks every class with its own ``compile`` to say how."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        model: Any = self
        if model.built and getattr(model, "optimizer", None) is not None:
            model.optimizer.build(model.trainable_variables)


@keras.saving.register_keras_serializable(PACKAGE)
class Sequential(_Compiles, keras.Sequential):
    """``keras.Sequential`` whose ``compile`` also resolves lossary names, functions and objects."""


@keras.saving.register_keras_serializable(PACKAGE)
class Model(_Compiles, keras.Model):
    """``keras.Model`` whose ``compile`` also resolves lossary names, functions and objects.

    Works in both of Keras's ways: ``Model(inputs, outputs)``, and as a base class.
    """

    def __new__(cls, *args: Any, **settings: Any) -> Any:
        """Makes a functional model where inputs and outputs are given."""
        if cls is Model and _is_functional(args, settings):
            return Functional.__new__(Functional, *args, **settings)
        return super().__new__(cls, *args, **settings)

    def __init__(self, *args: Any, **settings: Any) -> None:
        if _is_functional(args, settings):
            _make_functional(type(self))
            Functional.__init__(self, *args, **settings)
        else:
            super().__init__(*args, **settings)


@keras.saving.register_keras_serializable(PACKAGE)
class Functional(Model, KerasFunctional):
    """What ``Model(inputs, outputs)`` makes."""

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **settings: Any) -> None:
        KerasFunctional.__init__(self, inputs, outputs, name=name, **settings)


def _is_functional(args: tuple[Any, ...], settings: dict[str, Any]) -> bool:
    """Whether a model is made from its inputs and outputs."""
    return len(args) + len(settings.keys() & {"inputs", "outputs"}) >= 2


def _make_functional(model: type) -> None:
    """Puts `Functional` in the place of `Model` below a user's class that calls ``super().__init__(inputs, outputs)``.

    Keras would rewrite the bases of `Model` itself, for all of its subclasses.
    """
    for cls in model.__mro__:
        if Model in cls.__bases__ and cls is not Functional:
            cls.__bases__ = tuple(Functional if base is Model else base for base in cls.__bases__)
