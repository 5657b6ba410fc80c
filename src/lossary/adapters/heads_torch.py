"""The output layer of a torch module, by tracing its forward pass, or else from the order of its children."""

from __future__ import annotations

from typing import Any

from torch import fx, nn

from .heads import Head, UnreadableHeadError

MODULES: dict[type[nn.Module], str] = {
    nn.Softmax: "softmax",
    nn.Softmax2d: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.Sigmoid: "sigmoid",
    nn.LogSigmoid: "log_sigmoid",
    nn.Hardsigmoid: "hard_sigmoid",
    nn.Tanh: "tanh",
    nn.Softsign: "softsign",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Softplus: "softplus",
}
CALLS = {
    name: name for name in ("softmax", "log_softmax", "sigmoid", "tanh", "relu", "softplus", "gelu", "silu", "elu")
}
CALLS |= {"exp": "exponential", "logsigmoid": "log_sigmoid", "leaky_relu": "leaky_relu"}
PASSING = (nn.Dropout, nn.Flatten, nn.Unflatten, nn.Identity)
RESHAPES = {"view", "reshape", "squeeze", "unsqueeze", "flatten", "contiguous", "float", "to", "getitem", "dropout"}
RESHAPES |= {"permute", "transpose", "movedim"}


def read(model: Any) -> Head:
    """The head of a module; functional activations such as ``F.softmax`` are seen too where forward can be traced."""
    if isinstance(model, nn.Sequential):
        return _of_layers(_leaves(model), "")
    try:
        graph = fx.symbolic_trace(model).graph
    except Exception as error:  # Whatever a user's forward raises when called with symbols.
        return _of_layers(
            _leaves(model),
            f"forward could not be traced ({type(error).__name__}), so the last layer registered is taken",
        )
    return _of_graph(model, graph)


def _leaves(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if not list(module.children())]


def _of_layers(leaves: list[nn.Module], caveat: str) -> Head:
    activation, name = "linear", ""
    for module in reversed(leaves):
        if isinstance(module, PASSING):
            continue
        name = name or type(module).__name__
        known = MODULES.get(type(module))
        if known is None:
            return Head(activation, _units(module), name, "torch", caveat)
        if activation == "linear":
            activation = known
    if not name:
        raise UnreadableHeadError("the module has no layers")
    return Head(activation, None, name, "torch", caveat)


def _of_graph(model: nn.Module, graph: fx.Graph) -> Head:
    node: Any = next(n for n in reversed(graph.nodes) if n.op == "output").args[0]
    if isinstance(node, tuple | list | dict):
        raise UnreadableHeadError(f"forward returns {len(node)} values; diagnose each with its own loss")
    activation, name = "linear", ""
    while isinstance(node, fx.Node) and node.op != "placeholder":
        found, units, passing = _describe(model, node)
        if not passing:
            name = name or _called(node)
            if found == "linear":
                return Head(activation, units, name, "torch")
            if activation == "linear":
                activation = found
        node = node.args[0] if node.args else None
    return Head(activation, None, name or "forward", "torch")


def _describe(model: nn.Module, node: fx.Node) -> tuple[str, int | None, bool]:
    """Activation, units, and whether the step only passes values on."""
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        if isinstance(module, nn.Sequential):
            head = _of_layers(_leaves(module), "")
            return head.activation, head.units, False
        return MODULES.get(type(module), "linear"), _units(module), isinstance(module, PASSING)
    name = _called(node)
    return CALLS.get(name, "linear"), None, name in RESHAPES


def _called(node: fx.Node) -> str:
    """The name of the module, function or method that a step calls."""
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def _units(module: nn.Module) -> int | None:
    for attribute in ("out_features", "out_channels"):
        size = getattr(module, attribute, None)
        if isinstance(size, int):
            return size
    return None
