"""Keras's own model classes, whose ``compile`` also knows every lossary loss.

>>> from lossary.keras import Sequential
>>> import keras, numpy as np
>>> model = Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
>>> model.compile(loss="log_cosh", optimizer="sgd")
>>> round(model.evaluate(np.zeros((2, 1)), np.ones((2, 1)), verbose=0), 4)
0.4338

A saved model is one of Keras's plain classes, and ``keras.models.load_model`` gives the compiled loss back wherever
lossary has been imported; a loss compiled by a name that Keras knows too is loaded by Keras alone.
Where neither ``KERAS_BACKEND`` nor ``keras.json`` chooses, Keras starts with an installed backend.
"""

from __future__ import annotations

from .adapters.keras_choice import choose

choose()

from .adapters.keras import KerasLoss, KerasMetric, Model, Sequential, resolve  # noqa: E402

__all__ = ["KerasLoss", "KerasMetric", "Model", "Sequential", "resolve"]
