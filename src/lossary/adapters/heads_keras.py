"""The output layer of a Keras model, whichever backend it runs on."""

from __future__ import annotations

from typing import Any

import keras

from .heads import Head, UnreadableHeadError

# Layers that pass values on, at most in another shape.
PASSING = (
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.Dropout,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
)
# Layers that are an activation, and its name.
ACTIVATIONS = {
    "Softmax": "softmax",
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "leaky_relu",
    "ELU": "elu",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Exp": "exponential",
    "LogSigmoid": "log_sigmoid",
    "Softsign": "softsign",
    "HardSigmoid": "hard_sigmoid",
    "Silu": "silu",
    "Gelu": "gelu",
}


def read(model: Any, output: int | None = None) -> Head:
    """The head of a Sequential or functional model, of one of its outputs, or of a single layer."""
    chain = _chain(model, output)
    for layer in chain:
        if isinstance(layer, PASSING):
            continue
        if isinstance(layer, keras.Model):
            return read(layer)
        activation = _activation(layer)
        if activation == "linear":
            break
        return Head(activation, _units(model, layer, output), layer.name, "keras")
    else:
        raise UnreadableHeadError(f"{model.name} has no layer that computes anything")
    return Head("linear", _units(model, layer, output), layer.name, "keras")


def _chain(model: Any, output: int | None) -> list[Any]:
    """The layers from the output backwards, as far as they follow one another."""
    if isinstance(model, keras.Sequential):
        return list(reversed(model.layers))
    outputs = getattr(model, "outputs", None) if isinstance(model, keras.Model) else None
    if outputs:
        if output is None and len(outputs) > 1:
            raise UnreadableHeadError(
                f"{model.name} has {len(outputs)} outputs; diagnose each output with its own loss"
            )
        return _backwards(outputs[output or 0])
    if isinstance(model, keras.Model):
        raise UnreadableHeadError(
            f"{model.name} is a subclassed model, whose forward pass is Python code; its last layer cannot be told"
        )
    return [model]


def _backwards(tensor: Any) -> list[Any]:
    found = []
    while True:
        operation, node, _ = tensor._keras_history
        found.append(operation)
        inputs = operation._inbound_nodes[node].input_tensors
        if len(inputs) != 1 or isinstance(operation, keras.layers.InputLayer):
            return found
        tensor = inputs[0]


def _activation(layer: Any) -> str:
    if isinstance(layer, keras.layers.TimeDistributed | keras.layers.Bidirectional):
        layer = getattr(layer, "layer", None) or layer.forward_layer
    known = ACTIVATIONS.get(type(layer).__name__)
    if known is not None:
        return known
    function = getattr(layer, "activation", None)
    if function is None:
        return "linear"
    return str(getattr(function, "__name__", type(function).__name__))


def _units(model: Any, layer: Any, output: int | None) -> int | None:
    try:
        shape = model.output_shape if output is None else tuple(model.outputs[output].shape)
    except (AttributeError, ValueError):
        return getattr(layer, "units", None) or getattr(layer, "filters", None)
    return shape[-1] if isinstance(shape, tuple) and shape else None
