"""What the rules look at: the loss, the arrays as NumPy sees them, the model's head and the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .. import backends
from ..backends import NUMPY
from ..calls.parts import from_two
from ..calls.programs import holds_rows
from ..calls.rows import LAST, Rows
from ..errors import LossError
from ..facts.arguments import Role
from ..facts.axes import ELEMENT
from ..facts.domain import Parts, Probabilities, Unit
from ..facts.layout import Layout
from ..objects.define import Loss, folded
from ..objects.function import FunctionLoss
from ..objects.get import get
from ..readers.heads import Head
from .fit import puts_in_order

Floats = np.ndarray[Any, Any]
# How far the sum of a row of probabilities may be from 1, in single and in half precision.
ROW_TOLERANCE, HALF_TOLERANCE = 5e-3, 3e-2


class NotCheckedError(Exception):
    """A rule cannot tell; its text says why."""


def hosted(value: Any) -> Floats | None:
    """The numbers of an array of any framework, a list or a column of a table; None where they are not at hand."""
    if type(value) is np.ndarray:
        return _numbers(value)
    backend = backends.find("diagnose", {"value": value})
    if backend is backends.NUMPY:
        return _numbers(value)
    array = backend.host(value, wait=True)
    return None if array is None else _numbers(array)


def _numbers(value: Any) -> Floats | None:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return None
    if array.dtype.kind in "biu" or array.dtype in (np.float32, np.float64):
        return array
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    return None


class Evidence:
    """Everything the rules may look at.  Rows of outputs lie along the last axis of ``true`` and ``pred``."""

    def __init__(
        self,
        loss: Loss,
        y_true: Any,
        y_pred: Any = None,
        head: Head | None = None,
        metrics: Sequence[Any] | None = None,
        *,
        habit: str = "",
    ) -> None:
        self.loss = loss
        self.record = loss.record
        self.given_true, self.given_pred = y_true, y_pred
        self.raw_true = self._hosted(y_true)
        self.raw_pred = self._hosted(y_pred)
        self.row_tolerance = HALF_TOLERANCE if "float16" in str(getattr(y_pred, "dtype", "")) else ROW_TOLERANCE
        self.head = head
        self._line_up_as_keras()
        self.metrics = metrics
        self.habit = habit  # What another library's loss does that ours do not.
        self.unread_settings: list[str] = []  # Of another library's loss.
        self.masked = 0  # Data points left out because the model may mask them.
        self.torch_loss: Any = None  # The loss of PyTorch that ours stands for.

    def _hosted(self, value: Any) -> Floats | None:
        """The numbers of an argument; several predictions or parts that came as a tuple lie side by side."""
        if self.record.is_pair or not isinstance(value, tuple):
            return None if value is None else hosted(value)
        arrays = [array for array in map(hosted, value) if array is not None]
        if len(arrays) < len(value) or len({array.shape for array in arrays}) != 1:
            return None
        return np.stack(arrays, -2 if holds_rows(self.record, self.loss.parameters) else -1)

    def _line_up_as_keras(self) -> None:
        """Gives targets the trailing axis of length one of a Keras model's outputs, or takes it away, as Keras does."""
        true, pred, head = self.raw_true, self.raw_pred, self.head
        if true is None or head is None or head.framework != "keras" or not self.has_columns:
            return
        rank = head.rank if pred is None else pred.ndim
        single = head.units == 1 if pred is None else pred.shape[-1:] == (1,)
        if rank == true.ndim + 1 and single:
            self.raw_true = true[..., None]
        elif rank == true.ndim - 1 and true.shape[-1] == 1:
            self.raw_true = true[..., 0]
        else:
            return
        self.given_true, self.given_pred = self.raw_true, pred

    # --- the loss ---------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Canonical name of the loss."""
        return self.record.name

    @property
    def from_logits(self) -> bool:
        """Whether the loss itself turns raw scores into probabilities."""
        return bool(self.loss.parameters.get("from_logits"))

    @property
    def has_own_arguments(self) -> bool:
        """Whether its arguments have names of their own; a model's y_true and y_pred hold them side by side then."""
        return not self.record.has_usual_names

    @property
    def has_columns(self) -> bool:
        """Whether every number of y_true belongs to one of y_pred."""
        return self.record.is_pair and not self.record.labels_are_integers

    @property
    def targets_per_row(self) -> bool:
        """Whether a target is one number for a whole row of predictions."""
        return self.record.arguments[0].axes != ELEMENT

    @cached_property
    def arguments(self) -> tuple[Any, ...] | None:
        """What the loss itself is called with; None where targets or predictions are missing."""
        if not self.has_own_arguments:
            given = self.given_true, self.given_pred
            return None if any(x is None for x in given) else given
        if self.raw_pred is None or (self.given_true is None and self.has_given):
            return None
        y_true, y_pred = (
            given if hasattr(given, "shape") else hosted_
            for given, hosted_ in ((self.given_true, self.raw_true), (self.given_pred, self.raw_pred))
        )
        return from_two(self.record, y_true, y_pred, rows=holds_rows(self.record, self.loss.parameters))

    @property
    def has_given(self) -> bool:
        """Whether a loss of own arguments reads y_true at all."""
        return any(argument.role is not Role.PREDICTION for argument in self.record.arguments)

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the numbers that are predicted for each target, if there are several."""
        return self.record.prediction.names if isinstance(self.record.prediction, Parts) else ()

    @property
    def is_region(self) -> bool:
        """Whether it scores the overlap of whole regions, not each output."""
        return self.record.regions

    @cached_property
    def puts_in_order(self) -> bool:
        """Whether outputs are scores, on a scale of their own."""
        return puts_in_order(self.loss)

    @property
    def is_function(self) -> bool:
        """Whether the loss is a plain function of the user's, of which nothing is known."""
        return isinstance(self.loss, FunctionLoss)

    def check_meaning(self) -> None:
        """Leaves a rule that would have to know how the loss reads targets."""
        if self.is_function:
            raise NotCheckedError(f"{self.name} is a function of which nothing is known but its values")

    @property
    def coding(self) -> str:
        """How the loss wants targets written."""
        return self.record.target.coding

    @property
    def activation(self) -> str:
        """The output activation the loss is made for, whether inside the loss or in front of it."""
        return self.record.read_as(self.loss.parameters).activation

    @property
    def is_distribution(self) -> bool:
        """Whether a row of predictions is one distribution over classes."""
        return isinstance(self.record.read_as(self.loss.parameters), Probabilities)

    @property
    def is_binary(self) -> bool:
        """Whether every output is a probability of its own."""
        domain = self.record.read_as(self.loss.parameters)
        return isinstance(domain, Unit) and not isinstance(domain, Probabilities)

    def rewritten(self, **parameters: Any) -> str:
        """The loss as code, with some parameters changed."""
        axis = {"axis": self.loss.axis} if self.is_region else {}
        return f"lossary.{get(self.record.name, **{**self.loss.parameters, **axis, **parameters})!r}"

    # --- the arrays -------------------------------------------------------------------------------------------

    @cached_property
    def true(self) -> Floats | None:
        """Targets, one column per output, or one label per row."""
        if self.raw_true is None or self.has_own_arguments:
            return None
        array = self.raw_true
        return array if self.targets_per_row else self._rows_last(array)

    @cached_property
    def pred(self) -> Floats | None:
        """Predictions, one column per output."""
        return None if self.raw_pred is None else self._rows_last(self.raw_pred)

    @property
    def units(self) -> int | None:
        """How many outputs a data point has, from the predictions or else the head."""
        if self.pred is not None:
            return int(self.pred.shape[-1])
        return self.head.units if self.head is not None else None

    @property
    def rank(self) -> int | None:
        """How many axes the outputs have, from the predictions or else the head."""
        if self.raw_pred is not None:
            return int(self.raw_pred.ndim)
        return self.head.rank if self.head is not None else None

    @cached_property
    def paired(self) -> bool:
        """Whether targets and predictions belong together row by row."""
        if self.true is None or self.pred is None:
            return False
        if self.targets_per_row:
            return bool(self.true.shape in (self.pred.shape[:-1], (*self.pred.shape[:-1], 1)))
        return bool(self.true.shape == self.pred.shape)

    @cached_property
    def rows(self) -> Floats:
        """Predictions as a table of float64."""
        assert self.pred is not None
        return self.pred.reshape(-1, self.pred.shape[-1]).astype(np.float64)

    @cached_property
    def targets(self) -> Floats:
        """Targets as one float64 column per output or part; integer labels stay one column."""
        assert self.true is not None
        single = self.targets_per_row and not isinstance(self.record.target, Parts)
        return self.true.reshape(-1, 1 if single else self.true.shape[-1]).astype(np.float64)

    @cached_property
    def labels(self) -> Floats | None:
        """The class of every row, where the targets name classes that are valid."""
        if self.true is None:
            return None
        if self.record.labels_are_integers and self.targets.shape[1] == 1:
            flat = self.targets[:, 0]
            valid = np.isfinite(flat) & (flat >= 0) & (flat == np.floor(flat))
            return flat.astype(np.int64) if valid.all() else None
        if self.coding == "one-hot" and self.targets.shape[1] > 1:
            return np.asarray(np.argmax(self.targets, axis=1))
        return None

    @cached_property
    def probabilities(self) -> Floats:
        """Predictions as probabilities: as they are, or through the loss's own softmax or sigmoid."""
        if not self.from_logits:
            return self.rows
        with np.errstate(over="ignore"):
            if self.is_binary:
                return np.asarray(1.0 / (1.0 + np.exp(-self.rows)))
            powers = np.exp(self.rows - self.rows.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))

    @cached_property
    def value(self) -> float | None:
        """The unweighted mean loss of these outputs; None where the loss refuses them."""
        if self.raw_pred is None or self.raw_true is None or not self.paired or self.is_function:
            return None
        loss = self.loss.replaced(reduction="none")
        try:
            with np.errstate(all="ignore"):
                return float(np.mean(loss(self.raw_true, self.raw_pred)))
        except LossError:
            return None

    # --- text ---------------------------------------------------------------------------------------------------

    @property
    def axis(self) -> int:
        """The axis that the loss reads as the outputs; the last where it reads several."""
        return self.loss.axis if isinstance(self.loss.axis, int) else -1

    def _rows(self, array: Floats) -> Rows:
        """The axes of the rows of an array; the last where the loss names none that it has."""
        if not self.record.is_pair and not self.targets_per_row:
            return LAST  # Parts or arguments lie along the last axes.
        named = self.loss.axis
        axes = range(array.ndim) if named is None else (named,) if isinstance(named, int) else named
        if not all(-array.ndim <= axis < array.ndim for axis in axes):
            return LAST
        places = tuple(sorted(axis % array.ndim for axis in axes))
        return LAST if places == (array.ndim - 1,) else Rows(places)

    def _rows_last(self, array: Floats) -> Floats:
        found: Floats = array.reshape(-1, 1) if array.ndim < 2 else self._rows(array).gathered(NUMPY, array)
        return found

    def place(self, argument: str, where: Floats) -> str:
        """``y_pred[3, 1] = 4.2`` for the first True of a mask over ``rows`` or ``targets``."""
        array = self.pred if argument == "y_pred" else self.true
        raw = self.raw_pred if argument == "y_pred" else self.raw_true
        assert array is not None
        assert raw is not None
        shape = array.shape if where.size == array.size else array.shape[:-1]
        index = tuple(int(i) for i in np.unravel_index(int(np.argmax(where)), shape))
        value = array[index]
        lines = self._rows(raw)
        if len(shape) == array.ndim and not lines.are_last and raw.ndim > 1:
            layout = Layout(lines.axes, lines.lengths(raw.shape), raw.ndim, {argument: raw.ndim})
            shown = layout.index(argument, index)
        else:
            shown = index[: raw.ndim]
        text = f"{argument}[{', '.join(map(str, shown))}]"
        return f"{text} = {number(value)}" if np.ndim(value) == 0 else text


def number(value: Any) -> str:
    """A number as a message shows it."""
    return f"{float(value):.4g}"


def share(part: Any, whole: int) -> str:
    """``12 of 40 (30%)``."""
    count = int(part)
    return f"{count} of {whole} ({100 * count / max(whole, 1):.3g}%)"


def known(*names: str) -> str | None:
    """The first of these losses that the catalogue has."""
    catalogue = folded().values()
    return next((name for name in names if name in catalogue), None)


def resolved(loss: Any, y_true: Any = None) -> Loss:
    """A loss object from any way of naming one, other libraries' loss objects included."""
    from ..readers.foreign import translated

    return get(translated(loss, y_true))


def refusal(evidence: Evidence) -> Exception | None:
    """The error the loss itself raises on these arrays with all its checks on, or None."""
    loss = evidence.loss.replaced(check="full")
    try:
        arguments = evidence.arguments
        if arguments is not None:
            with np.errstate(all="ignore"):
                loss(*arguments)
    except LossError as error:
        return error
    except Exception as error:
        if not evidence.is_function:
            raise
        return error  # A user's own function may raise anything.
    return None


def unreadable(evidence: Evidence) -> LossError | None:
    """The error of targets that hold no numbers, or None."""
    y_true = evidence.given_true
    try:
        backends.array(backends.owner(y_true), evidence.name, "y_true", y_true)
    except LossError as error:
        return error
    return None


def foreign_result(evidence: Evidence) -> str | None:
    """The array library of what a function returned, if it is another one than that of the arrays it was given."""
    function = getattr(evidence.loss, "function", None)
    if function is None:
        return None
    try:
        result = backends.of(function(evidence.given_true, evidence.given_pred))
    except Exception:
        return None
    given = backends.of(evidence.given_pred) or backends.NUMPY
    return None if result is None or result is given else result.name
