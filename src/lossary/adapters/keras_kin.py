"""What losses are to Keras once it is loaded: its masks, and its rules for shapes inside a model's loss."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras.src.backend import get_keras_mask, set_keras_mask
from keras.src.backend.common.global_state import get_global_attribute
from keras.src.backend.common.name_scope import current_path, name_scope

from .. import backends, texts
from ..looks.modes import Mode, mode_of
from ..objects.define import Loss
from ..objects.function import FunctionLoss
from ..objects.kin import Arguments, Kin

# The scope in which a compiled model of Keras computes its losses.
_SCOPE = "compile_loss"
# Where Keras keeps the scopes that are open, and whether it still does.
_SCOPES = "name_scope_stack"
with name_scope(_SCOPE):
    _KEPT_THERE = bool(get_global_attribute(_SCOPES))


class KerasKin(Kin, keras.losses.Loss):
    """Every loss of lossary is a ``keras.losses.Loss``: Keras hands it the sample weights."""

    # Copies and pickles stay the loss's own affair; Keras's are files of models.
    __reduce__ = object.__reduce__

    def arranged(self, y_true: Any, y_pred: Any, sample_weight: Any, where: Any) -> Arguments:
        """The mask that y_pred carries, and inside a model's loss tensors lined up as Keras lines them up."""
        mask = mask_of(y_pred)
        if self.in_keras():
            y_true, y_pred = tensors(self, y_true, y_pred, keras.config.floatx())
            sample_weight = weights(sample_weight, y_pred)
        return y_true, y_pred, sample_weight, where if mask is None else both(where, mask)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The values per data point."""
        return self.replaced(reduction="none")(y_true, y_pred)

    @staticmethod
    def in_keras() -> bool:
        """Whether a model of Keras asks for its loss."""
        if _KEPT_THERE and not get_global_attribute(_SCOPES):
            return False  # As the line below says too, which a small loss would wait for.
        return _SCOPE in current_path().split("/")

    @staticmethod
    def unasked_check() -> Mode | None:
        """How much is checked where nobody has chosen.

        Most steps of Keras are compiled, where values cannot be read.  So that one call has one answer on all of its
        backends they are read on none.
        """
        return "shapes" if KerasKin.in_keras() else None

    @staticmethod
    def mask_of(y_pred: Any) -> Any:
        """Keras's mask of the predictions, or None."""
        return mask_of(y_pred)

    @staticmethod
    def marked(values: Any, mask: Any) -> Any:
        """Values of Keras's backend carry their mask, as those of Keras's ``ignore_class`` do."""
        owner = backends.of(values)  # TensorFlow's own question would stop torch.compile.
        if owner is not None and owner.name == keras.config.backend():
            set_keras_mask(values, mask)
        return values

    @staticmethod
    def returned(values: Any, where: Any) -> tuple[Any, Any]:
        """Numbers of any kind as floats, and the mask they carry beside that of the layers."""
        return keras.ops.convert_to_tensor(values, dtype=keras.config.floatx()), both(where, mask_of(values))


def adopt() -> None:
    """Puts Keras's class of losses below all of ours."""
    if KerasKin not in Loss.__bases__:
        Loss.__bases__ = (KerasKin,)
        _start()


def _start() -> None:
    """Makes Keras begin its lists of scopes and of masks: that it has none takes it longer to find than a small loss.

    They are one thread's and end with ``keras.utils.clear_session``; without them answers are the same, and slower.
    """
    get_global_attribute(_SCOPES, [], set_to_default=True)
    set_keras_mask(np.empty(0), True)  # Of an array that is gone with this line.


def _mark() -> str:
    """The attribute in which Keras keeps the mask of what takes attributes; one that is everywhere if there is none."""
    marked = SimpleNamespace()
    set_keras_mask(marked, True)
    return next(iter(vars(marked)), "__dict__")


_MARK = _mark()


def mask_of(y_pred: Any) -> Any:
    """Keras's mask of a tensor, one entry per data point, or None."""
    if hasattr(y_pred, "__dict__") and not hasattr(y_pred, _MARK):
        return None  # As Keras says too, which a small loss would wait for.
    mask = get_keras_mask(y_pred)
    if mask is None or (backends.of(mask) is None and not isinstance(mask, keras.KerasTensor)):
        return None  # A symbol of torch.fx has whatever it is asked for, of TensorFlow's marks too.
    return _without_trailing_ones(keras.ops.cast(mask, "bool"))


def both(first: Any, second: Any) -> Any:
    """What two masks leave, either of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return keras.ops.logical_and(first, second)


def weights(sample_weight: Any, y_pred: Any) -> Any:
    """Sample weights in Keras's backend, or None; a single one is everybody's."""
    if sample_weight is None:
        return None
    found = keras.ops.convert_to_tensor(sample_weight, dtype=y_pred.dtype)
    if len(found.shape) == 0:
        return keras.ops.broadcast_to(found, keras.ops.shape(y_pred)[:1])
    return _without_trailing_ones(found)


def unread(loss: Loss, check: Mode) -> Loss:
    """The loss with this much checking, unless the loss itself or a ``with lossary.check(...)`` has chosen."""
    return loss if mode_of(loss.name, loss.check) else loss.replaced(check=check)


def tensors(loss: Loss, y_true: Any, y_pred: Any, dtype: Any) -> tuple[Any, Any]:
    """Targets and predictions in Keras's backend.

    Of two ranks the longer loses a trailing axis of length one, as in Keras.
    """
    record = loss.record
    for argument, value in (("y_true", y_true), ("y_pred", y_pred)):
        if value is None:
            raise texts.nothing(record.name, argument)
        if isinstance(value, keras.KerasTensor):
            raise texts.keras_tensor(record.name, argument)
        kind = str(getattr(value, "dtype", ""))
        if "complex" in kind:
            raise texts.unsupported(record.name, argument, value, kind.rsplit(".", 1)[-1])
    # A user's function sees what Keras would show it.  Ours keep integer labels exact, and recognise them.
    floats = isinstance(loss, FunctionLoss) or _is_wide(y_true)
    y_true = keras.ops.convert_to_tensor(y_true, dtype=dtype if floats else None)
    y_pred = keras.ops.convert_to_tensor(y_pred, dtype=dtype)
    return (y_true, y_pred) if record.labels_are_integers else same_rank(y_true, y_pred)


def wide_as_floats(targets: Any) -> Any:
    """Targets in which whole numbers beyond 32 bits are floats, as JAX would cut them without a word."""
    if keras.backend.backend() != "jax" or not any(map(_is_wide, keras.tree.flatten(targets))):
        return targets
    return keras.tree.map_structure(
        lambda array: array.astype(keras.config.floatx()) if _is_wide(array) else array, targets
    )


def _is_wide(array: Any) -> bool:
    """Whether an array holds whole numbers beyond 32 bits."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu" or array.dtype.itemsize < 4 or not array.size:
        return False
    return not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31


def same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """``(N,)`` becomes ``(N, 1)`` beside its like; of longer shapes the trailing axis of length one goes."""
    true, pred = len(y_true.shape), len(y_pred.shape)
    if pred == true + 1 and y_pred.shape[-1] == 1:
        return (_expanded(y_true), y_pred) if true == 1 else (y_true, keras.ops.squeeze(y_pred, -1))
    if true == pred + 1 and y_true.shape[-1] == 1:
        return (y_true, _expanded(y_pred)) if pred == 1 else (keras.ops.squeeze(y_true, -1), y_pred)
    return y_true, y_pred


def _expanded(x: Any) -> Any:
    return keras.ops.expand_dims(x, -1)


def _without_trailing_ones(x: Any) -> Any:
    """Weights and masks of shape (N, 1) mean one number per data point."""
    while len(x.shape) > 1 and x.shape[-1] == 1:
        x = keras.ops.squeeze(x, -1)
    return x
