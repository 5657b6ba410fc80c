"""The network, and its training with one loss."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

import keras

from ..keras import Sequential
from ..objects.define import Loss
from ._data import Images, coded

BATCH = {"small": 16, "large": 32}


@dataclass(frozen=True)
class Result:
    """How the training with one loss went, epoch by epoch."""

    loss: str
    activation: str
    coding: str
    seconds: float
    stopped: bool = False
    objective: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)

    @property
    def accuracy(self) -> float | None:
        """Share of the held-out images recognised after the last whole epoch."""
        return self.accuracies[-1] if self.accuracies else None


def network(shape: tuple[int, ...], classes: int, activation: str) -> Any:
    """Two convolutions and one dense layer.

    The last layer starts near zero: losses for numbers then need not unlearn a random guess first.
    """
    layers = keras.layers
    stack = [keras.Input(shape), *_convolution(16, pooled=shape[0] >= 16), *_convolution(32, pooled=True)]
    small = keras.initializers.RandomNormal(stddev=0.005)
    dense = layers.Dense(classes, activation=activation, kernel_initializer=small)
    return Sequential([*stack, layers.Flatten(), dense])


def _convolution(filters: int, *, pooled: bool) -> list[Any]:
    layers = keras.layers
    convolution = layers.Conv2D(filters, 3, padding="same", activation="relu")
    pool = [layers.MaxPooling2D()] if pooled else []
    return [convolution, *pool, layers.BatchNormalization(momentum=0.9)]


def train(loss: Loss, name: str, images: Images, epochs: int) -> Result:
    """Trains a fresh network; output layer and label coding are those that the loss's record asks for."""
    record = loss.record
    activation, coding = record.prediction_domain(loss.parameters).activation, record.target.coding
    keras.utils.set_random_seed(0)
    model = network(images.train.shape[1:], images.classes, activation)
    model.compile(loss=loss, optimizer="sgd", metrics=["accuracy"])
    print(f"\n{name}: {activation} outputs, {coding} as targets", flush=True)
    course, start, stopped = keras.callbacks.History(), time.perf_counter(), False
    try:
        model.fit(
            images.train,
            coded(images.train_labels, images.classes, coding),
            validation_data=(images.test, coded(images.test_labels, images.classes, coding)),
            batch_size=BATCH["small" if len(images.train) < 10_000 else "large"],
            epochs=epochs,
            callbacks=[course],
            # One changing line per epoch on a terminal, one finished line in a file or a pipe.
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except KeyboardInterrupt:
        stopped = True
    kept = getattr(course, "history", {})
    return Result(
        loss=name,
        activation=activation,
        coding=coding,
        seconds=time.perf_counter() - start,
        stopped=stopped,
        objective=list(kept.get("loss", ())),
        accuracies=list(kept.get("val_accuracy", ())),
    )
