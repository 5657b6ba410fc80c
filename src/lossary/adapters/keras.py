"""Keras's loss and model classes around lossary losses."""

from __future__ import annotations

import inspect
from typing import Any

import keras
from keras.src.models.functional import Functional as KerasFunctional

from ..backends import settle
from ..doctor.first_batch import When
from .keras_class_weight import as_sample_weight
from .keras_doctor import Examination
from .keras_kin import wide_as_floats
from .keras_losses import PACKAGE, KerasLoss, KerasMetric
from .keras_resolve import refuse, resolve, resolve_metrics, saved

__all__ = ["KerasLoss", "KerasMetric", "Model", "Sequential", "resolve"]


def _named(method: Any, first: int, args: tuple[Any, ...], settings: dict[str, Any]) -> dict[str, Any]:
    """All arguments after the first ones by name, as Keras takes them by position too."""
    return dict(zip(list(inspect.signature(method).parameters)[first:], args, strict=False)) | settings


class _Compiles:
    """Gives a Keras model class a ``compile`` that resolves lossary losses, and a ``fit`` that the doctor looks at."""

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, doctor: When = "warn", **settings: Any
    ) -> None:
        """As ``keras.Model.compile``; ``loss`` may also be anything `lossary.get` understands, for each output.

        So may ``metrics``: what Keras does not know there becomes a `KerasMetric`.

        One rule on all of Keras's backends says whether values are looked at: in training they are not, because most
        steps are compiled, unless the loss or a ``with lossary.check(...)`` asks for it; with ``run_eagerly=True``
        they are.

        With ``doctor="warn"`` or ``"raise"`` the first ``fit`` begins with a look at the first targets, the last layer
        and the metrics of each output, as `lossary.diagnose` does; ``"off"`` leaves it out.

        Raises:
            UnknownLossError: Neither lossary nor Keras knows a name; the message lists the nearest ones.
            ParameterError: ``doctor`` is none of the three.
        """
        resolved, settings = resolve(loss), _named(keras.Model.compile, 3, args, settings)
        metrics = settings.get("metrics")
        for each in ("metrics", "weighted_metrics"):
            if settings.get(each) is not None:
                settings[each] = resolve_metrics(settings[each])
        for each in keras.tree.flatten(resolved):
            if isinstance(each, KerasLoss):
                each.looks = bool(settings.get("run_eagerly"))
        super().compile(optimizer, resolved, **settings)  # type: ignore[misc]
        self._examination = Examination.ordered(resolved, metrics, doctor)

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, *args: Any, **settings: Any) -> Any:
        """As ``keras.Model.fit``; ``class_weight`` weights every position of a sequence or an image of labels.

        Raises:
            ParameterError: ``class_weight`` beside targets that do not name one class each.
        """
        settings, y = _named(keras.Model.fit, 4, args, settings), wide_as_floats(y)
        model: Any = self
        examination, self._examination = getattr(self, "_examination", None), None
        if examination is not None:
            x = examination.look(self, x, y, batch_size, settings.get("sample_weight"))
        if settings.get("class_weight") is not None:
            x, y, settings = as_sample_weight(getattr(model, "loss", None), x, y, settings)
        history = super().fit(x, y, batch_size, **settings)  # type: ignore[misc]
        settle()  # What check="async" found in the last steps, or waits to be asked for.
        return history

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **settings: Any) -> Any:
        """As ``keras.Model.evaluate``."""
        return super().evaluate(x, wide_as_floats(y), *args, **settings)  # type: ignore[misc]

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **settings: Any) -> Any:
        """As ``keras.Model.train_on_batch``, with ``class_weight`` as in ``fit``."""
        settings, y = _named(keras.Model.train_on_batch, 3, args, settings), wide_as_floats(y)
        model: Any = self
        if settings.get("class_weight") is not None:
            x, y, settings = as_sample_weight(getattr(model, "loss", None), x, y, settings)
        return super().train_on_batch(x, y, **settings)  # type: ignore[misc]

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **settings: Any) -> Any:
        """As ``keras.Model.test_on_batch``."""
        return super().test_on_batch(x, wide_as_floats(y), *args, **settings)  # type: ignore[misc]

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **settings: Any) -> Any:
        """As ``keras.Model.compute_loss``.

        Raises:
            ParameterError: There is a list of losses for the only output.
            DTypeError: There are no targets, or a dict of them for the only output.
        """
        refuse(getattr(self, "loss", None), y, y_pred)
        return super().compute_loss(x, y, y_pred, *args, **settings)  # type: ignore[misc]

    def get_compile_config(self) -> dict[str, Any]:
        """What is saved of ``compile``; names that Keras knows stay names, so that Keras alone can load them."""
        config: dict[str, Any] = super().get_compile_config()  # type: ignore[misc]
        if config:
            config["loss"] = keras.saving.serialize_keras_object(saved(getattr(self, "loss", None)))
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model; Keras asks every class with its own ``compile`` to say how."""
        if type(self).compile is not _Compiles.compile:
            # One of the user's own, with arguments that nobody else knows.
            super().compile_from_config(config)  # type: ignore[misc]
            return
        self.compile(**keras.saving.deserialize_keras_object(config))
        model: Any = self
        if model.built and getattr(model, "optimizer", None) is not None:
            model.optimizer.build(model.trainable_variables)
        return


# The classes below are saved as Keras's plain ones, under whose names they stand in files: whoever loads a model need
# not know lossary, unless its loss is one that Keras does not have.


class Sequential(_Compiles, keras.Sequential):
    """``keras.Sequential`` whose ``compile`` also resolves lossary names, functions and objects."""

    __module__ = "keras"


class Model(_Compiles, keras.Model):
    """``keras.Model`` whose ``compile`` also resolves lossary names, functions and objects.

    Works in both of Keras's ways: ``Model(inputs, outputs)``, and as a base class.
    """

    __module__ = "keras"

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


class Functional(Model, KerasFunctional):
    """What ``Model(inputs, outputs)`` makes."""

    __module__ = KerasFunctional.__module__

    # Keras saves the layers only where it takes this for the signature of its own class, which it has wrapped.
    def __init__(self, *args: Any, **settings: Any) -> None:
        KerasFunctional.__init__(self, *args, **settings)


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


# Files of earlier versions name these.
keras.saving.get_custom_objects().update(
    {f"{PACKAGE}>{model.__name__}": model for model in (Sequential, Model, Functional)}
)
