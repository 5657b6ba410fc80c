"""What accumulates over blocks, and how what several processes have accumulated becomes one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from .. import kernels
from ..calls.evaluate import Batch
from ..calls.parts import from_two
from ..calls.programs import holds_rows
from ..errors import DomainError, ShapeError
from ..facts.arguments import Argument, Role
from ..facts.axes import ELEMENT
from ..facts.registry import is_enrolled
from ..objects.define import Loss
from . import _errors
from ._blocks import Block, Grouping, Wanted
from ._coding import Coding
from ._exact import ExactSums, Floats, Integers

MAX_GROUPS = 100_000
Total = Fraction | float


@dataclass(frozen=True)
class Columns:
    """Which columns play which part."""

    targets: tuple[str, ...]
    predictions: tuple[str, ...]
    weight: str | None = None
    by: str | None = None
    where: str | None = None
    coding: Mapping[str, Coding] = field(default_factory=dict)

    def wanted(self) -> Wanted:
        """What to read."""
        others = [name for name in (self.weight, self.where) if name]
        return Wanted(tuple(dict.fromkeys([*self.targets, *self.predictions, *others])), self.by, self.coding)


@dataclass(frozen=True)
class Plan:
    """What to do with every block; ``is_fused`` is one answer for all of them, so that blocks cannot change a bit."""

    losses: tuple[Loss, ...]
    columns: Columns
    skip_missing: bool = False
    is_fused: bool = False


@dataclass
class Partial:
    """What some of the rows came to: exact sums by group, so that the order in which they are added is no matter."""

    labels: dict[Any, int] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    weights: list[Total] = field(default_factory=list)
    values: list[list[Total]] = field(default_factory=list)
    # Weights of a loss's own, where it leaves rows out itself (ignore_class).
    own: list[list[Total] | None] = field(default_factory=list)
    skipped: int = 0
    masked: int = 0
    met_positive: bool = False

    def add(self, other: Partial, by: str | None) -> None:
        """Takes another one in."""
        places = [self.labels.setdefault(label, len(self.labels)) for label in other.labels]
        if len(self.labels) > MAX_GROUPS:
            raise _errors.too_many_groups("the whole", str(by), MAX_GROUPS)
        count = len(self.labels)
        self.rows = [int(n) for n in _merged(self.rows, other.rows, places, count)]
        self.weights = _merged(self.weights, other.weights, places, count)
        values = self.values or [[] for _ in other.values]
        self.values = [_merged(a, b, places, count) for a, b in zip(values, other.values, strict=True)]
        own = self.own or [None] * len(other.own)
        self.own = [
            None if a is None and b is None else _merged(a or [], b or [], places if b else [], count)
            for a, b in zip(own, other.own, strict=True)
        ]
        self.skipped += other.skipped
        self.masked += other.masked
        self.met_positive |= other.met_positive


def _merged(into: Sequence[Total], others: Sequence[Total], places: Sequence[int], count: int) -> list[Total]:
    found: list[Total] = [*into, *([Fraction(0)] * (count - len(into)))]
    for place, total in zip(places, others, strict=True):
        found[place] = plus(found[place], total)
    return found


def plus(a: Total, b: Total) -> Total:
    """The exact sum; what is no fraction is infinite or NaN, beside which no fraction counts."""
    if isinstance(a, float) or isinstance(b, float):
        return sum(x for x in (a, b) if isinstance(x, float))
    return a + b


class Sums(Protocol):
    """One exact sum per group."""

    def add(
        self, terms: Floats, codes: Integers | None = None, groups: int = 1, *, weights: Floats | None = None
    ) -> None:
        """Adds each term, times its weight, to the sum of its group."""

    def total(self, group: int = 0) -> Fraction | float:
        """The exact sum of a group; a float only where infinities or NaN took part."""


@dataclass
class _Tally:
    """The exact sums of one loss; its own weights only where it leaves rows out itself (``ignore_class``)."""

    values: Sums
    weights: Sums | None = None


class Run:
    """What accumulates over the blocks."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.losses, self.columns = plan, plan.losses, plan.columns
        self.labels: dict[Any, int] = {} if self.columns.by else {None: 0}
        if plan.is_fused and (reason := kernels.unusable()):
            raise _errors.no_kernels(reason)
        self.sums: Callable[[], Sums] = kernels.part("cpu.sums").CompiledSums if plan.is_fused else ExactSums
        self.tallies = [_Tally(self.sums()) for _ in self.losses]
        self.weights = self.sums()
        self.rows: Integers = np.zeros(len(self.labels), np.int64)
        self.skipped = self.masked = 0
        self.met_positive = False

    def add(self, block: Block) -> None:
        """Scores one block."""
        if not block.rows:
            return
        codes = None if block.grouping is None else self._codes(block, block.grouping)
        kept = self._kept(block)
        columns = block.columns
        if kept is not None:
            columns = {name: column[kept] for name, column in columns.items()}
            codes = None if codes is None else codes[kept]
        if kept is None or len(kept):
            self._add(block, columns, codes, kept)

    def _codes(self, block: Block, grouping: Grouping) -> Integers:
        places = [self.labels.setdefault(label, len(self.labels)) for label in map(_label, grouping.labels)]
        if len(self.labels) > MAX_GROUPS:
            raise _errors.too_many_groups(block.place, str(self.columns.by), MAX_GROUPS)
        return np.asarray(places, np.int64)[grouping.codes]

    def _kept(self, block: Block) -> Integers | None:
        """The rows that are scored, or None if that is all of them."""
        asked = None
        if self.columns.where is not None:
            where = block.columns[self.columns.where].reshape(block.rows, -1)[:, 0]
            asked = np.nan_to_num(where) != 0
            self.masked += block.rows - int(asked.sum())
        missing = np.zeros(block.rows, bool)
        for name, column in block.columns.items():
            if name != self.columns.where and column.dtype.kind == "f" and math.isnan(float(column.min())):
                absent = np.isnan(column).reshape(block.rows, -1).any(1)
                if asked is not None:
                    absent &= asked
                if not self.plan.skip_missing and absent.any():
                    raise _errors.missing(block.place, name, block.row + int(np.argmax(absent)))
                missing |= absent
        self.skipped += int(missing.sum())
        kept = ~missing if asked is None else asked & ~missing
        return None if kept.all() else np.flatnonzero(kept)

    def _add(self, block: Block, columns: dict[str, Any], codes: Integers | None, kept: Integers | None) -> None:
        groups = len(self.labels)
        count = len(next(iter(columns.values())))
        seen = np.array([count]) if codes is None else np.bincount(codes, minlength=groups)
        self.rows = np.concatenate([self.rows, np.zeros(groups - len(self.rows), np.int64)]) + seen
        weights = None if self.columns.weight is None else columns[self.columns.weight].astype(np.float64, copy=False)
        if weights is not None:
            self.weights.add(weights, codes, groups)
        y_pred = _matrix(columns, self.columns.predictions)
        y_true = _matrix(columns, self.columns.targets)
        self.met_positive = self.met_positive or bool((y_true == 1).any())
        for loss, tally in zip(self.losses, self.tallies, strict=True):
            # Weights of classes are factors of the values, not of the mean that is taken of them.
            given = None if loss.weighting else weights
            batch = self._batch(loss, (y_true, y_pred, given), block, kept)
            own = weights
            if batch.mask is not None:
                own, tally.weights = batch.mask * (1.0 if weights is None else weights), tally.weights or self.sums()
                tally.weights.add(own, codes, groups)
            values = np.asarray(batch.reduced("none")) if loss.weighting else self._values(batch)
            tally.values.add(values, codes, groups, weights=own)

    def _batch(self, loss: Loss, arrays: tuple[Any, Any, Any], block: Block, kept: Integers | None) -> Batch:
        """The arrays of a block, checked."""
        y_true, y_pred, weights = arrays
        try:
            if weights is not None and weights.min() < 0:
                raise _errors.negative_weight(loss.record.name, weights)
            return _lined_up(loss, y_true, y_pred, weights)
        except DomainError as error:
            raise self._placed(error, block, kept) from None
        except ShapeError:
            # CSV knows no integers; as integers, class labels get the remedy for class labels.
            if y_true.dtype.kind == "f" and np.all(y_true == np.floor(y_true)):
                _lined_up(loss, y_true.astype(np.int64), y_pred, weights)
            raise

    def _values(self, batch: Batch) -> Floats:
        """One value per row; all blocks of a file take the same path, so that blocks cannot change a bit."""
        if self.plan.is_fused and batch.is_plain and is_enrolled(batch.program.record):
            found: Floats | None = kernels.part("cpu.run").Fused(batch, None).values()
            if found is not None:
                return found
        return np.asarray(batch.values())

    def _placed(self, error: DomainError, block: Block, kept: Integers | None) -> DomainError:
        """The error with the row counted from the start of the file."""

        def place(match: re.Match[str]) -> str:
            row = int(match[2]) if kept is None else int(kept[int(match[2])])
            return f"{match[1]}[{row + block.row}"

        text = re.sub(r"\b((?:y_true|y_pred|sample_weight)(?:'s \w+)?)\[(\d+)", place, str(error))
        columns = self.columns
        named = {"y_true": columns.targets, "y_pred": columns.predictions, "sample_weight": [columns.weight or ""]}
        used = [f"{argument} is {', '.join(names)}" for argument, names in named.items() if argument in text]
        return DomainError(f"{text} ({block.place}: {'; '.join(used)})")

    def partial(self) -> Partial:
        """What has come together."""
        every = range(len(self.labels))

        def totals(sums: Sums) -> list[Total]:
            return [sums.total(i) for i in every]

        return Partial(
            self.labels,
            [int(n) for n in self.rows] + [0] * (len(every) - len(self.rows)),
            totals(self.weights),
            [totals(tally.values) for tally in self.tallies],
            [None if tally.weights is None else totals(tally.weights) for tally in self.tallies],
            self.skipped,
            self.masked,
            self.met_positive,
        )


def from_columns(loss: Loss, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Columns of a file as a loss reads them: parts of an output, or several arguments, lie side by side there."""
    record = loss.record
    if record.is_pair:
        return y_true, y_pred
    roles = {argument.role: argument for argument in record.arguments}
    y_true, y_pred = _parted(y_true, roles.get(Role.TARGET)), _parted(y_pred, roles[Role.PREDICTION])
    count = sum(argument.role is Role.PREDICTION for argument in record.arguments)
    if count > 1 and y_pred.ndim == 2 and y_pred.shape[1] % count == 0 and holds_rows(record, loss.parameters):
        y_pred = y_pred.reshape(len(y_pred), count, -1)
    return y_true, y_pred


def _lined_up(loss: Loss, y_true: Any, y_pred: Any, weights: Floats | None) -> Batch:
    record = loss.record
    y_true, y_pred = from_columns(loss, y_true, y_pred)
    if not record.has_usual_names:
        return loss.lined_up(from_two(record, y_true, y_pred, rows=holds_rows(record, loss.parameters)), weights)
    per_row = record.arguments[0].axes != ELEMENT and y_true.shape[1:] == (1,)
    return loss.lined_up((y_true[:, 0] if per_row else y_true, y_pred), weights)


def _parted(array: Any, argument: Argument | None) -> Any:
    """Columns of several outputs with parts, as the loss takes them: an axis of outputs and one of parts."""
    parts = 0 if argument is None else len(argument.parts)
    whole = parts and array.ndim == 2 and array.shape[1] > parts and array.shape[1] % parts == 0
    return array.reshape(len(array), -1, parts) if whole else array


def _label(label: Any) -> Any:
    """NaN as a group is one group, and a whole number one however the files hold it."""
    if isinstance(label, float):
        return None if math.isnan(label) else int(label) if label.is_integer() else label
    return label


def _matrix(columns: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Columns side by side in float64, one row per data point; integer columns that stand alone stay integers."""
    parts = [columns[name].reshape(len(columns[name]), -1) for name in names]
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return joined if joined.dtype.kind in "iu" else joined.astype(np.float64, copy=False)
