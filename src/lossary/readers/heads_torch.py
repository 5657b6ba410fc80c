"""The output layer of a torch module, by tracing its forward pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from torch import fx, nn

from .heads import Head, UnreadableHeadError, applied, averaged, combined, limited, unknown_end

# Activations by the name of their module, function or method; `_spelled` folds the spellings.
ACTIVATIONS = {
    "softmax": "softmax",
    "softmax2d": "softmax",
    "softmin": "softmax",
    "logsoftmax": "log_softmax",
    "sigmoid": "sigmoid",
    "expit": "sigmoid",
    "logsigmoid": "log_sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "tanh": "tanh",
    "softsign": "softsign",
    "relu": "relu",
    "relu6": "relu6",
    "leakyrelu": "leaky_relu",
    "prelu": "leaky_relu",
    "elu": "elu",
    "selu": "selu",
    "mish": "mish",
    "gelu": "gelu",
    "silu": "silu",
    "softplus": "softplus",
    "exp": "exponential",
}
# Layers and functions whose results are any real numbers.
LINEAR = {"linear", "bilinear", "addmm", "baddbmm", "embedding"}
LINEAR |= {f"{kind}{axes}d" for kind in ("conv", "convtranspose") for axes in (1, 2, 3)}
# Those that move and stretch each number, so that signs become free and the number of units stays.
NORMS = {"batchnorm", "batchnorm1d", "batchnorm2d", "batchnorm3d", "layernorm", "groupnorm", "transformerencoderlayer"}
NORMS |= {f"instancenorm{axes}d" for axes in (1, 2, 3)}
SUMS = {"add", "iadd", "sub", "isub", "mul", "imul", "matmul", "mm", "bmm", "einsum", "truediv", "div"}
PASSING = {"dropout", "dropout1d", "dropout2d", "dropout3d", "identity", "contiguous", "float", "double", "half", "to"}
PASSING |= {"clone", "squeeze", "unsqueeze", "flatten", "interpolate", "upsample", "pixelshuffle", "alphadropout"}
MOVING = {"view", "reshape", "unflatten", "permute", "transpose", "movedim", "getitem", "select", "t", "swapaxes"}
MEANS = {f"{kind}pool{axes}d" for kind in ("avg", "adaptiveavg", "max", "adaptivemax") for axes in (1, 2, 3)} | {"mean"}
LIMITS = {"clamp", "clip", "clampmin", "clampmax"}
# Around another module: torch.nn.DataParallel and its distributed sister, torch.compile.
WRAPPED = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}


def read(model: Any) -> Head:
    """The head of a module; functional activations such as ``F.softmax`` are seen too.

    A forward pass that cannot be traced, because it branches on values, cannot be read.
    """
    while type(model).__name__ in WRAPPED:
        model = getattr(model, WRAPPED[type(model).__name__])
    try:
        graph = fx.symbolic_trace(model).graph
    except Exception as error:  # Whatever a user's forward raises when called with symbols.
        return _of_last(model, error)
    result: Any = next(node for node in reversed(graph.nodes) if node.op == "output").args[0]
    if not isinstance(result, fx.Node):
        count = len(result) if isinstance(result, tuple | list | dict) else "no"
        raise UnreadableHeadError(f"forward returns {count} values; diagnose each with its own loss")
    return _Walk(model).head(result)


def _of_last(model: nn.Module, error: Exception) -> Head:
    """The head of the last of a row of modules, if the rest of it is what cannot be traced."""
    if isinstance(model, nn.Sequential) and len(model):
        return _of_row(list(model))
    raise UnreadableHeadError(
        f"forward could not be traced ({type(error).__name__}), so its last layer cannot be told; y_pred tells more"
    )


def _of_row(modules: list[nn.Module]) -> Head:
    """The end of modules that follow one another; those before the last are only looked at for it."""
    *before, last = modules
    if type(last).__module__.startswith("torch.nn") and not list(last.children()):
        step = fx.Graph().placeholder("x")
        walk = _Walk(last, before=partial(_of_row, before) if before else None)
        return walk.described(_spelled(type(last).__name__), type(last).__name__, last, [step])
    return read(last)


class _Walk:
    """From the result of a traced forward pass backwards to the step that gives it its range."""

    def __init__(self, model: nn.Module, before: Callable[[], Head] | None = None) -> None:
        self.model = model
        self._before = before
        self._known: dict[fx.Node, Head | UnreadableHeadError] = {}

    def head(self, node: Any) -> Head:
        """The head as if the forward pass ended here."""
        if node not in self._known:
            try:
                self._known[node] = self._read(node)
            except UnreadableHeadError as error:
                self._known[node] = error
        found = self._known[node]
        if isinstance(found, UnreadableHeadError):
            raise found
        return found

    def _read(self, node: fx.Node) -> Head:
        if node.op == "placeholder" and self._before is not None:
            return self._before()
        if node.op in ("placeholder", "get_attr"):
            raise UnreadableHeadError("the module has no layer that computes anything")
        inputs = [each for each in node.args if isinstance(each, fx.Node)]
        if node.op == "call_module":
            module = self.model.get_submodule(str(node.target))
            return self.described(_spelled(type(module).__name__), type(module).__name__, module, inputs)
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        return self.described(_spelled(name), name, None, inputs)

    def described(self, kind: str, layer: str, module: nn.Module | None, inputs: list[fx.Node]) -> Head:
        """The head that a step makes of its inputs."""
        if kind in LINEAR:
            return Head("linear", _units(module), layer, "torch")
        if kind in SUMS:
            if len(set(inputs)) < len(inputs):
                raise unknown_end(layer)  # A square.
            return combined(layer, [partial(self.head, each) for each in inputs], "torch")
        if kind in NORMS and inputs:
            return Head("linear", self._width(inputs[0]), layer, "torch")
        if kind in ACTIVATIONS and inputs:
            return self._activated(ACTIVATIONS[kind], layer, inputs[0])
        if kind in PASSING and inputs:
            return self.head(inputs[0])
        if kind in MOVING and inputs:
            return _moved(self.head(inputs[0]), kind)
        if kind in MEANS and inputs:
            return averaged(self.head(inputs[0]), layer)
        if kind in LIMITS and inputs:
            return limited(self.head(inputs[0]), layer)
        raise unknown_end(layer)

    def _activated(self, activation: str, layer: str, node: fx.Node) -> Head:
        try:
            inner = self.head(node)
        except UnreadableHeadError:
            return Head(activation, self._width(node), layer, "torch")
        return Head(applied(activation, inner.activation), inner.units, layer, "torch")

    def _width(self, node: fx.Node) -> int | None:
        """The number of units before steps that treat each number by itself."""
        try:
            return self.head(node).units
        except UnreadableHeadError:
            kind = _spelled(str(getattr(node.target, "__name__", node.target)))
            inner = node.args[0] if node.args and kind in LIMITS | {"div", "truediv", "mul"} else None
            return self._width(inner) if isinstance(inner, fx.Node) else None


def _moved(head: Head, kind: str) -> Head:
    """Outputs in another shape: how many belong to one data point is no longer known, unless it is one."""
    if kind in ("getitem", "select") and head.activation in ("softmax", "log_softmax"):
        raise unknown_end(f"a part of {head.layer}")  # One class of two, or one position of many.
    return head if head.units == 1 and kind in ("view", "reshape") else replace(head, units=None)


def _spelled(name: str) -> str:
    """``Softmax``, ``log_softmax``, ``special_softmax`` and ``sigmoid_`` in one spelling."""
    return name.lower().removeprefix("special_").replace("_", "")


def _units(module: nn.Module | None) -> int | None:
    for attribute in ("out_features", "out_channels"):
        size = getattr(module, attribute, None)
        if isinstance(size, int):
            return size
    return None
