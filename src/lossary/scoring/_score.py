"""Weighted means of losses over a file, in one pass, in constant memory, exact in any chunking."""

from __future__ import annotations

import contextlib
import math
import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from .. import kernels
from ..calls.evaluate import Batch
from ..calls.parts import from_two
from ..calls.programs import holds_rows
from ..errors import DomainError, ShapeError
from ..facts.axes import ELEMENT
from ..facts.record import Argument, Role
from ..facts.registry import is_enrolled
from ..objects.define import Loss
from ..objects.get import get
from . import _errors
from ._exact import ExactSums, Floats, Integers, quotient
from ._tables import Block, Grouping, open_table, steady

ROWS = 1 << 16
MAX_GROUPS = 100_000
# Bytes of a file from which on the fused kernels pay for being loaded, or once compiled.
FUSED_FROM = 1 << 25


@dataclass(frozen=True)
class Score:
    """The means of one group of rows: ``group`` is its label, None for all rows together."""

    group: Any
    rows: int
    weight: float
    means: Mapping[str, float]


@dataclass(frozen=True)
class Scores:
    """The result of `score`: all rows together, the groups sorted by label, and how many rows were left out."""

    path: Path
    losses: tuple[Loss, ...]
    overall: Score
    groups: tuple[Score, ...]
    skipped: int


def score(
    path: str | Path,
    losses: Sequence[Any],
    *,
    target: str | Sequence[str],
    prediction: str | Sequence[str],
    weight: str | None = None,
    by: str | None = None,
    skip_missing: bool = False,
    rows: int = ROWS,
    progress: Callable[[float], None] | None = None,
) -> Scores:
    """The weighted mean of each loss over a CSV, Parquet or NPZ file that may be larger than memory.

    Each row is a data point; its loss ``v_i`` is computed in float64 and the mean is ``sum w_i v_i / sum w_i`` with
    the weights ``w_i`` of the weight column, 1 without one.  Both sums are exact and their quotient is rounded once,
    so that neither the order of the rows nor the length of the blocks can change a digit.

    Args:
        path: The file, told by its ending.
        losses: Anything `lossary.get` understands.
        target: Column of the targets, or columns for several outputs.
        prediction: Column of the predictions, or one column per output or class; a column of lists counts as many.
        weight: Column of weights >= 0.
        by: Column whose values divide the rows into groups, scored each for itself.
        skip_missing: Leave rows out that miss a value, instead of raising.
        rows: Rows per block; it changes memory, not the result.
        progress: Called with the part of the file done, 0 to 1.

    Returns:
        The scores of all rows and of every group.

    Raises:
        FileError: The file is missing, unreadable, or has no rows.
        ColumnError: A column is missing, is no number, or has missing values.
        ParameterError: A loss has a reduction that is no mean.
        LossError: What the losses themselves raise, with the row counted from the start of the file.

    >>> import numpy as np, tempfile, pathlib, lossary.scoring
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "preds.npz"
    >>> np.savez(file, y=[1.0, 2.0, 4.0], p=[1.0, 3.0, 2.0], shop=["a", "a", "b"])
    >>> result = lossary.scoring.score(file, ["mse"], target="y", prediction="p", by="shop")
    >>> [(group.group, group.means["mean_squared_error"]) for group in result.groups]
    [('a', 0.5), ('b', 4.0)]
    """
    with steady(path):
        table = open_table(path)
        columns = _Columns(_list(target), _list(prediction), weight, by)
        run = _Run(table.path, _distinct(losses), columns, skip_missing)
        for block in _ahead(table.blocks(columns.numbers(), by, rows)):
            run.add(block)
            if progress is not None:
                progress(block.done)
        return run.result()


def _distinct(losses: Sequence[Any]) -> list[Loss]:
    """The losses, each once; a reduction that is no mean would be ignored, so it is refused."""
    found = list(dict.fromkeys(get(loss) for loss in losses))
    for loss in found:
        if loss.reduction not in ("sum_over_batch_size", "mean_with_sample_weight"):
            raise _errors.no_mean(loss.name, loss.reduction)
    return found


def _list(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks, read by a thread of its own while the last one is worked on."""
    waiting: queue.Queue[Block | BaseException | None] = queue.Queue(maxsize=2)
    stop = threading.Event()

    def read() -> None:
        ending: BaseException | None = None
        try:
            with contextlib.closing(cast(Any, blocks)):
                for block in blocks:
                    waiting.put(block)
                    if stop.is_set():
                        return
        except BaseException as error:
            ending = error
        waiting.put(ending)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while isinstance(block := waiting.get(), Block):
            yield block
        if block is not None:
            raise block
    finally:
        stop.set()
        while reader.is_alive():
            with contextlib.suppress(queue.Empty):
                waiting.get(timeout=0.01)


@dataclass(frozen=True)
class _Columns:
    """Which columns play which part."""

    targets: list[str]
    predictions: list[str]
    weight: str | None
    by: str | None

    def numbers(self) -> list[str]:
        """The columns that hold numbers, each once."""
        return list(dict.fromkeys([*self.targets, *self.predictions, *([self.weight] if self.weight else [])]))


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


class _Run:
    """What accumulates over the blocks."""

    def __init__(self, path: Path, losses: list[Loss], columns: _Columns, skip_missing: bool) -> None:
        self.path, self.losses, self.columns, self.skip_missing = path, losses, columns, skip_missing
        self.labels: dict[Any, int] = {} if columns.by else {None: 0}
        self.fused = path.stat().st_size >= FUSED_FROM and not kernels.unusable()
        self.sums: Callable[[], Sums] = kernels.part("cpu.sums").CompiledSums if self.fused else ExactSums
        self.tallies = [_Tally(self.sums()) for _ in losses]
        self.weights = self.sums()
        self.rows: Integers = np.zeros(len(self.labels), np.int64)
        self.start = self.skipped = 0

    def add(self, block: Block) -> None:
        """Scores one block."""
        columns, count = block.columns, len(next(iter(block.columns.values())))
        if not count:
            return
        codes = None if block.grouping is None else self._codes(block.grouping)
        kept = self._complete(columns, count)
        if kept is not None:
            columns = {name: column[kept] for name, column in columns.items()}
            codes = None if codes is None else codes[kept]
            self.skipped += count - len(kept)
        if kept is None or len(kept):
            self._add(columns, codes, kept)
        self.start += count

    def _codes(self, grouping: Grouping) -> Integers:
        places = [self.labels.setdefault(label, len(self.labels)) for label in map(_label, grouping.labels)]
        if len(self.labels) > MAX_GROUPS:
            raise _errors.too_many_groups(self.path, str(self.columns.by), MAX_GROUPS)
        return np.asarray(places, np.int64)[grouping.codes]

    def _complete(self, columns: dict[str, Any], count: int) -> Integers | None:
        """The rows with no value missing, or None if that is all of them."""
        missing = np.zeros(count, bool)
        for name, column in columns.items():
            if column.dtype.kind == "f" and math.isnan(float(column.min())):
                absent = np.isnan(column).reshape(count, -1).any(1)
                if not self.skip_missing:
                    raise _errors.missing(self.path, name, self.start + int(np.argmax(absent)))
                missing |= absent
        return np.flatnonzero(~missing) if missing.any() else None

    def _add(self, columns: dict[str, Any], codes: Integers | None, kept: Integers | None) -> None:
        groups = len(self.labels)
        count = len(next(iter(columns.values())))
        seen = np.array([count]) if codes is None else np.bincount(codes, minlength=groups)
        self.rows = np.concatenate([self.rows, np.zeros(groups - len(self.rows), np.int64)]) + seen
        weights = None if self.columns.weight is None else columns[self.columns.weight].astype(np.float64, copy=False)
        if weights is not None:
            self.weights.add(weights, codes, groups)
        y_pred = _matrix(columns, self.columns.predictions)
        y_true = _matrix(columns, self.columns.targets)
        for loss, tally in zip(self.losses, self.tallies, strict=True):
            # Weights of classes are factors of the values, not of the mean that is taken of them.
            given = None if loss.weighting else weights
            batch = self._batch(loss, y_true, y_pred, given, kept)
            own = weights
            if batch.mask is not None:
                own, tally.weights = batch.mask * (1.0 if weights is None else weights), tally.weights or self.sums()
                tally.weights.add(own, codes, groups)
            values = np.asarray(batch.reduced("none")) if loss.weighting else self._values(batch)
            tally.values.add(values, codes, groups, weights=own)

    def _batch(self, loss: Loss, y_true: Any, y_pred: Any, weights: Floats | None, kept: Integers | None) -> Batch:
        """The arrays of a block, checked."""
        try:
            if weights is not None and weights.min() < 0:
                raise _errors.negative_weight(loss.record.name, weights)
            return _lined_up(loss, y_true, y_pred, weights)
        except DomainError as error:
            raise self._placed(error, kept) from None
        except ShapeError:
            # CSV knows no integers; as integers, class labels get the remedy for class labels.
            if y_true.dtype.kind == "f" and np.all(y_true == np.floor(y_true)):
                _lined_up(loss, y_true.astype(np.int64), y_pred, weights)
            raise

    def _values(self, batch: Batch) -> Floats:
        """One value per row; all blocks of a file take the same path, so that blocks cannot change a bit."""
        if self.fused and batch.is_plain and is_enrolled(batch.program.record):
            found: Floats | None = kernels.part("cpu.run").Fused(batch, None).values()
            if found is not None:
                return found
        return np.asarray(batch.values())

    def _placed(self, error: DomainError, kept: Integers | None) -> DomainError:
        """The error with the row counted from the start of the file."""

        def place(match: re.Match[str]) -> str:
            row = int(match[2]) if kept is None else int(kept[int(match[2])])
            return f"{match[1]}[{row + self.start}"

        text = re.sub(r"\b((?:y_true|y_pred|sample_weight)(?:'s \w+)?)\[(\d+)", place, str(error))
        columns = self.columns
        named = {"y_true": columns.targets, "y_pred": columns.predictions, "sample_weight": [columns.weight or ""]}
        used = [f"{argument} is {', '.join(names)}" for argument, names in named.items() if argument in text]
        return DomainError(f"{text} ({self.path}: {'; '.join(used)})")

    def result(self) -> Scores:
        """The means."""
        if not self.rows.sum():
            raise _errors.nothing_left(self.path, self.skipped) if self.skipped else _errors.empty(self.path)
        every = range(len(self.labels))
        labels = sorted(self.labels, key=_order)
        groups = [self._score(label, [self.labels[label]]) for label in labels if self.rows[self.labels[label]]]
        return Scores(
            self.path,
            tuple(self.losses),
            self._score(None, every),
            tuple(groups) if self.columns.by else (),
            self.skipped,
        )

    def _score(self, label: Any, members: Sequence[int]) -> Score:
        rows = int(sum(int(self.rows[i]) for i in members))
        weight = rows if self.columns.weight is None else _total(self.weights, members)
        names = loss_names(self.losses)
        means = {
            name: quotient(
                _total(tally.values, members),
                weight if tally.weights is None else _total(tally.weights, members),
            )
            for name, tally in zip(names, self.tallies, strict=True)
        }
        return Score(label, rows, float(weight), means)


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


def _total(sums: Sums, members: Sequence[int]) -> Any:
    return sum((sums.total(i) for i in members), start=0)


def _label(label: Any) -> Any:
    """NaN as a group is one group, not as many as there are blocks."""
    return None if isinstance(label, float) and math.isnan(label) else label


def _order(label: Any) -> tuple[int, float, str]:
    if label is None or label == "":
        return 2, 0.0, ""
    if isinstance(label, int | float):
        return 0, float(label), ""
    return 1, 0.0, str(label)


def _matrix(columns: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Columns side by side in float64, one row per data point; integer columns that stand alone stay integers."""
    parts = [columns[name].reshape(len(columns[name]), -1) for name in names]
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return joined if joined.dtype.kind in "iu" else joined.astype(np.float64, copy=False)


def loss_names(losses: Sequence[Loss]) -> list[str]:
    """A distinct name for each loss: its own, or its whole spelling where two share one."""
    names = [loss.name for loss in losses]
    return [name if names.count(name) == 1 else repr(loss) for name, loss in zip(names, losses, strict=True)]
