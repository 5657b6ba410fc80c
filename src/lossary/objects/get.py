"""From any way of naming a loss to a loss object, and what can be asked of one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, overload

from .. import texts
from .._marks import unconverted
from ..backends import Array
from ..facts.registry import folded, records
from ..facts.spelling import fold
from .function import FunctionLoss
from .loss import Loss
from .restore import known


@overload
def names(peer: None = None) -> list[str]: ...
@overload
def names(peer: str) -> dict[str, str]: ...
@unconverted
def names(peer: str | None = None) -> list[str] | dict[str, str]:
    """The canonical names of all losses, sorted; or what to write for the losses of another library.

    Args:
        peer: A library: ``"torch"``, ``"keras"``, ``"optax"``, ``"sklearn"``, ``"xgboost"``, ``"lightgbm"``, ...

    Returns:
        The names; with ``peer``, its names and the line of code that gives the same values for each.

    Raises:
        ParameterError: No loss is said to be that library's; the message lists the libraries.

    >>> import lossary
    >>> [name for name in lossary.names() if name.startswith("mean_abs")]
    ['mean_absolute_error', 'mean_absolute_percentage_error', 'mean_absolute_scaled_error']
    >>> lossary.names(peer="optax")["optax.l2_loss"]
    '0.5 * lossary.MeanSquaredError()'
    """
    if peer is None:
        return sorted(record.name for record in records())
    found = texts.peers.lines_of_libraries()
    libraries = sorted({name.split(".")[0] for name in found})
    if peer not in libraries:
        raise texts.unknown_library(peer, libraries)
    return {name: line for name, line in found.items() if name.startswith(f"{peer}.")}


@unconverted
def get(identifier: Any, **parameters: Any) -> Loss:
    """A loss object from any way of naming one.

    Args:
        identifier: A name or alias in any case style (``"mse"``, ``"MeanSquaredError"``, ``"huber_loss"``), or with a
            library that has the same loss (``"torch.nn.HuberLoss"``), the dict of ``get_config()`` (also Keras's
            ``{"class_name": ..., "config": ...}``), a loss function, class or object, a loss of ``torch.nn``,
            ``torch.nn.functional``, optax, scikit-learn or Keras that is one of ours, with its settings, or any
            ``(y_true, y_pred)`` callable.
        **parameters: Parameters of the loss, and ``axis``, ``reduction``, ``name``, ``check``.

    Returns:
        The configured object.

    Raises:
        UnknownLossError: No loss has this name; the message lists the nearest ones.
        ParameterError: A parameter is unknown or out of range; or another library's loss has a setting that none of
            ours has, or takes the prediction first and is none of ours: the message says what to write.

    >>> import lossary
    >>> lossary.get("huber_loss", delta=2.0)
    Huber(delta=2.0)
    >>> lossary.get(lossary.Huber(delta=2.0).get_config()) == lossary.Huber(delta=2.0)
    True
    """
    own = known(identifier, parameters)
    if own is not None:
        return own
    read = _read_other(identifier)
    if read is not identifier and isinstance(read, str | Mapping):
        return get(read, **parameters)
    if callable(read) and not inspect.isclass(read):
        return FunctionLoss(read, **parameters)
    raise texts.not_a_loss(identifier)


def _read_other(identifier: Any) -> Any:
    """What another library's loss is here: a name, a configuration, or itself."""
    for read in _readers:
        identifier = read(identifier)
    return identifier


_readers: list[Callable[[Any], Any]] = []


def read_others_with(reader: Callable[[Any], Any]) -> None:
    """Lets `get` understand other libraries' losses; the adapter that knows them puts itself here."""
    _readers.append(reader)


@unconverted
def is_categorical_crossentropy(loss: Any) -> bool:
    """Whether this is categorical crossentropy, under any of its names, as string, function, class or object.

    >>> import lossary
    >>> lossary.is_categorical_crossentropy("softmax_cross_entropy")
    True
    >>> lossary.is_categorical_crossentropy(lossary.sparse_categorical_crossentropy)
    False
    """
    try:
        found = get(loss)
    except ValueError:
        # A name that is no loss of ours, or another library's object: compare what it calls itself.
        own = getattr(loss, "__name__", None) or getattr(loss, "name", None) or type(loss).__name__
        return folded().get(fold(str(own))) == "categorical_crossentropy"
    return folded().get(fold(found.record.name)) == "categorical_crossentropy"


@unconverted
def value_and_grad(loss: Any) -> Callable[..., tuple[Array, Array]]:
    """The reduced loss together with its gradient with respect to y_pred, on every backend, NumPy included.

    Args:
        loss: Anything `lossary.get` understands.

    Returns:
        A function ``(y_true, y_pred, sample_weight=None, where=None) -> (value, gradient)``; the gradient has the
        shape, dtype and framework of ``y_pred``.

    The gradient is that of the reduced loss: the default mean makes it 1/N of what each data point has by itself.
    Where every point's own slope is asked for it is ``reduction="sum"``:
    ``lossary.value_and_grad(lossary.Huber(reduction="sum"))``, or `grad_and_hess`, which knows raw scores and Hessians;
    objectives of XGBoost and LightGBM are ``lossary.xgboost.objective`` and ``lossary.lightgbm.objective``.

    >>> import numpy as np, lossary
    >>> value, gradient = lossary.value_and_grad("mean_squared_error")(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]))
    >>> print(value, gradient)
    2.0 [[0. 2.]]
    >>> summed = lossary.get("mean_squared_error", reduction="sum")
    >>> print(lossary.value_and_grad(summed)(np.array([1.0, 2.0]), np.array([1.0, 4.0]))[1])
    [0. 4.]
    """
    return get(loss).value_and_grad
