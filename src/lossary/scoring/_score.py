"""Weighted means of losses over data of any size, in one pass, in constant memory, exact in any chunking."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

from .. import kernels
from ..objects.define import Loss
from ..objects.get import get
from . import _errors
from ._coding import Coding, coding_of
from ._exact import quotient
from ._run import Columns, Partial, Plan, Run, Total, plus
from ._tables import Block, Table, open_table

ROWS = 1 << 16
# Predictions, in numbers, from which on the fused kernels pay for being loaded, or once compiled.
FUSED_FROM = 1 << 21


@dataclass(frozen=True)
class Score:
    """The means of one group of rows: ``group`` is its label, None for all rows together."""

    group: Any
    rows: int
    weight: float
    means: Mapping[str, float]


@dataclass(frozen=True)
class Scores:
    """The result of `score`: all rows together, and the groups sorted by label.

    Of the ``rows_read`` in all ``files``, ``skipped`` were left out because they miss a value, ``masked`` because
    ``where`` does not hold.
    """

    source: str
    losses: tuple[Loss, ...]
    overall: Score
    groups: tuple[Score, ...]
    skipped: int
    masked: int
    files: int

    @property
    def path(self) -> Path:
        """The source as a path."""
        return Path(self.source)

    @property
    def rows_read(self) -> int:
        """How many rows there are."""
        return self.overall.rows + self.skipped + self.masked


def score(
    source: Any,
    losses: Sequence[Any],
    *,
    target: str | Sequence[str],
    prediction: str | Sequence[str],
    weight: str | None = None,
    by: str | None = None,
    where: str | None = None,
    classes: Sequence[str] | None = None,
    positive: str | None = None,
    skip_missing: bool = False,
    encoding: str | None = None,
    format: str | None = None,  # noqa: A002 - as files are called
    rows: int = ROWS,
    client: Any = None,
    progress: Callable[[float], None] | None = None,
) -> Scores:
    """The weighted mean of each loss over predictions in files or frames that may be larger than memory.

    Each row is a data point; its loss ``v_i`` is computed in float64 and the mean is ``sum w_i v_i / sum w_i`` with
    the weights ``w_i`` of the weight column, 1 without one.  Both sums are exact and their quotient is rounded once,
    so that neither the order of the rows nor the length of the blocks can change a digit.

    Args:
        source: A CSV, JSON Lines, Parquet, Feather, Arrow or NPZ file, told by its ending, packed or not; a glob; a
            folder, whose folders may name columns (``year=2024``); an address that fsspec knows; ``"-"`` for the
            standard input; a list of these.  Or a LazyFrame of polars, a relation of DuckDB, a data set or a reader of
            pyarrow, a frame in memory that speaks Arrow.  Nothing is collected.
        losses: Anything `lossary.get` understands.
        target: Column of the targets, or columns for several outputs.
        prediction: Column of the predictions, or one column per output or class, or a pattern of their names
            (``"p_*"``); a column of lists counts as many.
        weight: Column of weights >= 0.
        by: Column whose values divide the rows into groups, scored each for itself.
        where: Column of the rows to score, true or not 0; the others are left out, and may miss values.
        classes: What stands in the target column for the classes 0, 1, ...; columns ``"p_*"`` that are named after
            classes need none.
        positive: What stands in the target column for 1; everything else, or the other one of two classes, is 0.
        skip_missing: Leave rows out that miss a value, instead of raising.
        encoding: Of text that is not UTF-8, for example ``"gbk"``.
        format: What the files are, where their ending does not tell: csv, jsonl, parquet, arrow or npz.
        rows: Rows per block; it changes memory, not the result.
        client: A ``distributed.Client``, whose workers share the files and the pieces of long ones; the result is
            the same to the last bit on processors of one kind.
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
    table = open_table(source, encoding=encoding, format=format)
    losses = distinct(losses)
    columns = columns_of(table, losses, target, prediction, classes=classes, positive=positive)
    columns = replace(columns, weight=weight, by=by, where=where)
    plan = Plan(tuple(losses), columns, skip_missing)
    known = progress or (lambda done: None)
    if client is None:
        found = _one_process(table, plan, rows, known)
    else:
        from ._dask import spread

        plan = replace(plan, is_fused=_is_long(table, plan, rows))
        found = spread(client, table, plan, rows, known)
    return _scores(table, plan, found)


def distinct(losses: Sequence[Any]) -> list[Loss]:
    """The losses, each once; a reduction that is no mean would be ignored, so it is refused."""
    found = list(dict.fromkeys(get(loss) for loss in losses))
    for loss in found:
        if loss.reduction not in ("sum_over_batch_size", "mean_with_sample_weight"):
            raise _errors.no_mean(loss.name, loss.reduction)
    return found


def _list(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def columns_of(
    table: Table,
    losses: Sequence[Loss],
    target: str | Sequence[str],
    prediction: str | Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    positive: str | None = None,
) -> Columns:
    """The columns of targets and predictions, and what the targets mean."""
    targets, _ = table.columns(_list(target))
    predictions, stars = table.columns(_list(prediction))
    stars = stars or _classes_in(predictions)
    if classes is not None or positive is not None:
        coding = coding_of(classes, positive)
        if stars and sorted(stars) == sorted(coding.classes):
            # Columns that are named after the classes are theirs.
            by_star = dict(zip(stars, predictions, strict=True))
            predictions = [by_star[name] for name in coding.classes]
    else:
        numbered = all(star.isdecimal() for star in stars)
        # Classes numbered from 1 on, or with gaps, are no places in a row of probabilities.
        shifted = numbered and [int(star) for star in stars] != list(range(len(stars)))
        labelled = any(loss.record.labels_are_integers for loss in losses)
        coding = Coding(stars, given=bool(stars) and shifted and labelled)
    return Columns(tuple(targets), tuple(predictions), coding=dict.fromkeys(targets, coding))


def _classes_in(names: Sequence[str]) -> tuple[str, ...]:
    """What column names that are listed differ in after their last common separator, where that is no number."""
    common = "".join(each[0] for each in takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False)))
    start = 1 + max(map(common.rfind, "_-. "))
    found = tuple(name[start:] for name in names)
    return found if len(set(found)) > 1 and not any(each.isdecimal() or not each for each in found) else ()


def _one_process(table: Table, plan: Plan, rows: int, progress: Callable[[float], None]) -> Partial:
    with contextlib.closing(_ahead(table, table.blocks(plan.columns.wanted(), rows))) as blocks:
        held, is_long = _first(blocks, plan)
        run = Run(replace(plan, is_fused=is_long))
        while block := held.popleft() if held else next(blocks, None):
            run.add(block)
            progress(block.done)
    return run.partial()


def _first(blocks: Iterator[Block], plan: Plan) -> tuple[deque[Block], bool]:
    """The first blocks, and whether the kernels pay: a question of how many numbers there are, not of who holds them.

    So that files, streams and frames of the same rows have the same score to the last bit.
    """
    held: deque[Block] = deque()
    numbers = 0
    while numbers < FUSED_FROM and (block := next(blocks, None)) is not None:
        held.append(block)
        numbers += sum(block.columns[name].size for name in plan.columns.predictions)
    return held, numbers >= FUSED_FROM and not kernels.unusable()


def _is_long(table: Table, plan: Plan, rows: int) -> bool:
    with contextlib.closing(_ahead(table, table.blocks(plan.columns.wanted(), rows))) as blocks:
        return _first(blocks, plan)[1]


def _ahead(table: Table, blocks: Iterator[Block]) -> Generator[Block]:
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
        table.halt()
        while reader.is_alive():
            with contextlib.suppress(queue.Empty):
                waiting.get(timeout=0.01)


def _scores(table: Table, plan: Plan, found: Partial) -> Scores:
    """The means."""
    if not sum(found.rows):
        left_out = found.skipped + found.masked
        raise _errors.nothing_left(table.name, found.skipped, found.masked) if left_out else _errors.empty(table.name)
    columns = plan.columns
    for name, coding in columns.coding.items():
        if coding.positive is not None and not coding.classes and not found.met_positive:
            raise _errors.never_positive(table.name, name, coding.positive)
    labels = sorted(found.labels, key=_order)
    groups = [_score(plan, found, label, [found.labels[label]]) for label in labels if found.rows[found.labels[label]]]
    overall = _score(plan, found, None, range(len(found.labels)))
    return Scores(
        table.name,
        plan.losses,
        overall,
        tuple(groups) if columns.by else (),
        found.skipped,
        found.masked,
        table.files,
    )


def _score(plan: Plan, found: Partial, label: Any, members: Sequence[int]) -> Score:
    rows = sum(found.rows[i] for i in members)
    weight = Fraction(rows) if plan.columns.weight is None else _total(found.weights, members)
    means = {
        name: quotient(_total(values, members), weight if own is None else _total(own, members))
        for name, values, own in zip(loss_names(plan.losses), found.values, found.own, strict=True)
    }
    return Score(label, rows, float(weight), means)


def _total(totals: Sequence[Total], members: Sequence[int]) -> Total:
    whole: Total = Fraction(0)
    for i in members:
        whole = plus(whole, totals[i])
    return whole


def _order(label: Any) -> tuple[int, float, str]:
    if label is None or label == "":
        return 2, 0.0, ""
    if isinstance(label, int | float):
        return 0, float(label), ""
    return 1, 0.0, str(label)


def loss_names(losses: Sequence[Loss]) -> list[str]:
    """A distinct name for each loss: its own, or its whole spelling where two share one."""
    names = [loss.name for loss in losses]
    return [name if names.count(name) == 1 else repr(loss) for name, loss in zip(names, losses, strict=True)]
