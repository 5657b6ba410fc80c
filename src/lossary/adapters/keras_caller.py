"""What a loss does when Keras itself calls it, without `lossary.keras` between them.  Imports no Keras.

A plain ``keras.Model`` puts any callable into a wrapper that multiplies what the callable returns by sample weights and
mask, then reduces.  A configured loss returns one number, so the weights would come too late.  A loss that finds such a
wrapper to be its caller leaves its unreduced self and its reduction with the wrapper, and answers with values per data
point.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._loss import Loss

# Where Keras calls what it was given: module, class, method, and the attribute that holds the callable.
_WRAPPERS = (
    ("keras.src.losses.losses", "LossFunctionWrapper", "call", "fn"),
    ("keras.src.metrics.reduction_metrics", "MeanMetricWrapper", "update_state", "_fn"),
)
_met: set[str] = set()


def values_for_keras(loss: Loss, y_true: Any, y_pred: Any) -> Any:
    """The values per data point if one of Keras's wrappers called ``loss(y_true, y_pred)``; else None."""
    wrapper, attribute = _calling_wrapper()
    if wrapper is None:
        return None
    from keras.src.backend import cast, get_keras_mask

    values = loss
    if loss.reduction != "none":
        values = unreduced(loss)
        setattr(wrapper, attribute, values)
        if hasattr(wrapper, "reduction"):
            wrapper.reduction = loss.reduction
    mask = get_keras_mask(y_pred)
    return values(y_true, y_pred, where=None if mask is None else cast(mask, "bool"))


def unreduced(loss: Loss) -> Loss:
    """The same loss with one value per data point."""
    values: Loss = object.__new__(type(loss))
    vars(values).update(vars(loss), reduction="none")
    return values


def _calling_wrapper() -> tuple[Any, str]:
    """The wrapper and the name of the attribute that holds the loss; (None, "") for any other caller."""
    if "keras" in sys.modules:
        meet()
        frame = sys._getframe(3)  # over this function and values_for_keras, the caller of the loss
        for module, owner, method, attribute in _WRAPPERS:
            if frame.f_code.co_name == method and _is_method(frame, sys.modules.get(module), owner):
                return frame.f_locals["self"], attribute
    return None, ""


def _is_method(frame: FrameType, module: Any, owner: str) -> bool:
    method = getattr(getattr(module, owner, None), frame.f_code.co_name, None)
    return method is not None and frame.f_code is method.__code__


def meet() -> None:
    """Announces all losses when Keras has been imported since the last look."""
    if "keras" in sys.modules and not _met:
        announce()


def announce() -> None:
    """Makes the functions and classes of all losses known to Keras's loader, if Keras is loaded."""
    saving = getattr(sys.modules.get("keras"), "saving", None)
    if saving is None:
        return
    from .._loss import function, records

    _met.add("keras")
    for record in records():
        made = function(record.name)
        if saving.get_registered_name(made) != f"lossary.function>{record.name}":
            saving.register_keras_serializable("lossary", record.class_name)(made.cls)
            saving.register_keras_serializable("lossary.function", record.name)(made)


# torch.compile runs functions with this mark as they are, once, while it traces; there no wrapper is the caller.
_calling_wrapper._dynamo_marked_constant = True  # type: ignore[attr-defined]
meet._dynamo_marked_constant = True  # type: ignore[attr-defined]
