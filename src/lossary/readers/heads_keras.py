"""The output layer of a Keras model, whichever backend it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import keras
from keras.src.backend import get_keras_mask

from .heads import RANGES, Head, UnreadableHeadError, applied, averaged, combined, limited, unknown_end

# Layers and operations that pass values on, at most in another shape.
PASSING = {
    "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "ActivityRegularization", "Masking",
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout",
    "AlphaDropout", "Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D",
    "Resizing", "CenterCrop", "Cast", "Squeeze", "ExpandDims", "Transpose", "Ravel", "Moveaxis", "Swapaxes",
}  # fmt: skip
MEANS = {"Mean", "Average", "Max", "Maximum", "Minimum"}
MEANS |= {f"{kind}Pooling{n}D" for kind in ("Average", "GlobalAverage", "Max", "GlobalMax") for n in (1, 2, 3)}
LIMITS = {"Clip"}
# Layers that are an activation, and its name.
ACTIVATIONS = {
    "Softmax": "softmax",
    "ReLU": "relu",
    "Relu": "relu",
    "Relu6": "relu6",
    "LeakyReLU": "leaky_relu",
    "LeakyRelu": "leaky_relu",
    "PReLU": "leaky_relu",
    "ELU": "elu",
    "Elu": "elu",
    "Selu": "selu",
    "LogSoftmax": "log_softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Exp": "exponential",
    "LogSigmoid": "log_sigmoid",
    "Softsign": "softsign",
    "HardSigmoid": "hard_sigmoid",
    "Silu": "silu",
    "Mish": "mish",
    "Gelu": "gelu",
}
# Those whose results are any real numbers, where they have no activation of their own.
LINEAR = {
    "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
    "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D", "LocallyConnected1D", "Embedding",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "Normalization",
    "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "MultiHeadAttention",
}  # fmt: skip
SUMS = {"Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Matmul", "Dot", "Einsum"}
# Names of functions that are activations, where Keras's name is another.
_FUNCTIONS = {"exp": "exponential", "swish": "silu"}


def read(model: Any, output: int | None = None) -> Head:
    """The head of a Sequential or functional model, of one of its outputs, or of a single layer."""
    if isinstance(model, keras.Sequential):
        layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
        head = _of_layers(layers, model.name)
    elif isinstance(model, keras.Model):
        head = _of_tensor(_result(model, output))
    else:
        head = _of_layer(model, [])
    shape = _shape(model, output)
    if shape is None:
        return replace(head, units=next(_sizes(model, head.layer), None))
    return replace(head, units=shape[-1] if shape else None, rank=len(shape), masks=_masks(model, output))


def _masks(model: Any, output: int | None) -> bool:
    """Whether an output of a model that was drawn before it is run carries a mask."""
    outputs = getattr(model, "outputs", None) or []
    return any(get_keras_mask(each) is not None for each in outputs[output or 0 : (output or 0) + 1])


def _result(model: Any, output: int | None) -> Any:
    outputs = getattr(model, "outputs", None)
    if not outputs:
        raise UnreadableHeadError(
            f"{model.name} is a subclassed model, whose forward pass is Python code; its last layer cannot be told"
        )
    if output is None and len(outputs) > 1:
        raise UnreadableHeadError(f"{model.name} has {len(outputs)} outputs; diagnose each output with its own loss")
    return outputs[output or 0]


def _of_layers(layers: list[Any], name: str) -> Head:
    if not layers:
        raise UnreadableHeadError(f"{name} has no layer that computes anything")
    *before, last = layers
    return _of_layer(last, [partial(_of_layers, before, name)])


def _of_tensor(tensor: Any) -> Head:
    operation, node, _ = tensor._keras_history
    inputs = operation._inbound_nodes[node].input_tensors
    if isinstance(operation, keras.layers.InputLayer):
        raise UnreadableHeadError("the model hands its input on, without a layer that computes anything")
    return _of_layer(operation, [partial(_of_tensor, each) for each in inputs])


def _of_layer(layer: Any, inputs: list[Callable[[], Head]]) -> Head:
    """The head that a layer or an operation makes of its inputs."""
    if isinstance(layer, keras.layers.TimeDistributed | keras.layers.Bidirectional):
        layer = getattr(layer, "layer", None) or layer.forward_layer
    if isinstance(layer, keras.Model):
        return read(layer)
    kind = _kind(layer)
    if kind in ACTIVATIONS:
        return _activated(ACTIVATIONS[kind], layer, inputs)
    if kind == "Activation" and _name(layer.activation) == "linear" and inputs:
        return inputs[0]()
    if kind in LINEAR or kind == "Activation":
        return _activated(_name(getattr(layer, "activation", None)), layer, [] if kind in LINEAR else inputs)
    if kind in PASSING and inputs:
        return inputs[0]()
    if kind in MEANS and inputs:
        return _same(layer, [averaged(each(), layer.name) for each in inputs])
    if kind in LIMITS and inputs:
        return limited(inputs[0](), layer.name)
    if kind in SUMS:
        return combined(layer.name, inputs, "keras")
    raise unknown_end(layer.name)


def _kind(layer: Any) -> str:
    """The name of the Keras class that does the computing; a class of the user's own has none of these."""
    for cls in type(layer).__mro__:
        if cls.__module__.startswith("keras."):
            return cls.__name__
        if "call" in vars(cls):
            break
    return ""


def _activated(activation: str, layer: Any, inputs: list[Callable[[], Head]]) -> Head:
    for each in inputs:
        try:
            activation = applied(activation, each().activation)
        except UnreadableHeadError:
            continue
    return Head(activation, None, layer.name, "keras")


def _name(function: Any) -> str:
    if function is None:
        return "linear"
    if isinstance(function, keras.layers.Layer):
        return ACTIVATIONS.get(_kind(function)) or _name(getattr(function, "activation", function.call))
    name = str(getattr(function, "__name__", type(function).__name__))
    name = _FUNCTIONS.get(name, name)
    if name in RANGES and not (getattr(function, "__module__", "") or "").startswith("keras."):
        return f"{name} (not of Keras)"  # A function of the user's that is merely called so.
    return name


def _same(layer: Any, heads: list[Head]) -> Head:
    if len({head.activation for head in heads}) > 1:
        raise unknown_end(layer.name)
    return heads[0]


def _shape(model: Any, output: int | None) -> tuple[int | None, ...] | None:
    """The shape of the output, or None for a model that is not built yet."""
    try:
        shape = model.output_shape if output is None else tuple(model.outputs[output].shape)
    except (AttributeError, ValueError):
        return None
    return shape if isinstance(shape, tuple) else ()


def _sizes(model: Any, name: str) -> Iterator[int]:
    """Units of the layers of a model that is not built yet, from the end, as far as their number is passed on."""
    for layer in reversed(getattr(model, "layers", [model])):
        size = getattr(layer, "units", None) or getattr(layer, "filters", None)
        if size is not None:
            yield int(size)
        if _kind(layer) in ("Reshape", "Flatten", "Permute"):
            return
