"""Commands about files of targets and predictions: ``suggest``, ``check``, ``score``."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.text import Text

from ..console import FOUND
from ..console.arguments import AsJson, LossNames, Rows, loss_from, one_of
from ..console.output import as_command, code, console, emit, pairs, progress, reporting, say, table
from ..console.own import own_by_value
from ..scoring import Score, Scores, Wanted, columns_of, connected, from_columns, open_table
from ..scoring import score as score_files

if TYPE_CHECKING:
    from ..doctor import Advice, Report

COLOURS = {"error": "bold red", "warning": "bold yellow", "note": "bold blue"}

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="CSV, JSON Lines, Parquet, Feather, Arrow or NPZ, packed or not; '*.parquet', a folder, an address "
        "(s3://...), or - for the standard input.",
    ),
]
Target = Annotated[
    list[str],
    typer.Option(
        "--target", "--true", "-t", metavar="COLUMN", help="The column of the targets; repeat it for several outputs."
    ),
]
Prediction = Annotated[
    list[str],
    typer.Option(
        "--prediction",
        "--pred",
        "-p",
        metavar="COLUMN",
        help="The column of the predictions; repeat it for one per class or output, or name 'p_*', or one of lists.",
    ),
]
Classes = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="What the target column says for class 0, 1, ..., in this order.")
]
Positive = Annotated[
    str | None, typer.Option(metavar="TEXT", help="What the target column says for 1; everything else is 0.")
]
Encoding = Annotated[str | None, typer.Option(metavar="NAME", help="Of text that is not UTF-8: gbk, latin1, ...")]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="csv, jsonl, parquet, arrow or npz, where the ending does not tell."),
]


def _listed(classes: str | None) -> list[str] | None:
    return None if classes is None else next(csv.reader([classes], skipinitialspace=True), [])


def _shown(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _side_by_side(found: dict[str, Any], columns: Sequence[str]) -> Any:
    arrays = [np.asarray(found[column]) for column in columns]
    return arrays[0] if len(arrays) == 1 else np.column_stack(arrays)


@reporting
def suggest(
    files: Files,
    *,
    target: Target,
    goal: Annotated[
        str | None, typer.Option(help="What the targets mean, where they leave it open: counts, ...")
    ] = None,
    framework: Annotated[str, typer.Option(help="The framework of the lines to paste: keras or torch.")] = "keras",
    encoding: Encoding = None,
    form: Format = None,
    rows: Rows = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Suggest loss, output layer and metric for targets."""
    from ..doctor import suggest as advise

    paste: Any = one_of("framework", framework, ("keras", "torch"))
    wanted: Any = goal
    source = open_table(files, encoding=encoding, format=form)
    named, _ = source.columns(target)
    found, whole = source.raw(Wanted(tuple(named)), rows)
    values = _side_by_side(found, named)
    advice = advise(values, goal=wanted)
    seen = {"file": source.name, "files": source.files, "target": named, "rows": len(values), "whole_file": whole}
    if as_json:
        emit(seen | _advice_facts(advice) | {"code": advice.code(paste)})
        return
    if not advice.confident:
        say("These targets leave it open; the most likely reading:", style="bold yellow")
    say(f"task        {advice.task}")
    say(Text.assemble("loss        ", (repr(advice.loss), "bold")))
    say(f"last layer  {advice.units} unit{'' if advice.units == 1 else 's'}, {advice.activation}")
    say(f"metric      {advice.metric}")
    _bullets("why", list(advice.reasons))
    _bullets("instead", [f"{name}: {when}" for name, when in advice.alternatives.items()])
    say("\nto paste:", style="bold")
    code(advice.code(paste))
    if not whole:
        say(f"\nfrom the first {len(values)} rows; --rows looks at more")


def _advice_facts(advice: Advice) -> dict[str, Any]:
    return {
        "task": advice.task,
        "loss": advice.name,
        "configured": repr(advice.loss),
        "units": advice.units,
        "activation": advice.activation,
        "metric": advice.metric,
        "confident": advice.confident,
        "reasons": list(advice.reasons),
        "alternatives": advice.alternatives,
    }


def _bullets(title: str, lines: list[str]) -> None:
    if lines:
        say(f"\n{title}:", style="bold")
        table(["", ""], [("-", line) for line in lines], headed=False)


@reporting
def check(
    files: Files,
    *,
    loss: LossNames,
    target: Target,
    prediction: Prediction,
    classes: Classes = None,
    positive: Positive = None,
    encoding: Encoding = None,
    form: Format = None,
    rows: Rows = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Check targets and predictions against a loss.

    The exit status is 0 if nothing is wrong, 1 if there is an error or a warning, 2 if the check could not be made.
    """
    from ..doctor import diagnose

    losses = [loss_from(name) for name in loss]
    source = open_table(files, encoding=encoding, format=form)
    columns = columns_of(source, losses, target, prediction, classes=_listed(classes), positive=positive)
    found, whole = source.raw(columns.wanted(), rows)
    y_true, y_pred = _side_by_side(found, columns.targets), _side_by_side(found, columns.predictions)
    reports = [diagnose(one, *from_columns(one, y_true, y_pred)) for one in losses]
    unread = [] if whole else [f"the rows after the first {len(y_true)}; --rows reads more"]
    ok = all(report.ok for report in reports)
    if as_json:
        told = [report.to_dict() for report in reports]
        for one in told:
            one["not_checked"] = [*unread, *one["not_checked"]]
        emit({"file": source.name, "files": source.files, "rows": len(y_true), "ok": ok, "reports": told})
    else:
        for report in reports:
            _print_report(report, unread)
    if not ok:
        raise typer.Exit(FOUND)


def _print_report(report: Report, unread: list[str]) -> None:
    say(report.verdict, style="bold green" if report.ok else "bold")
    for finding in report.findings:
        say(Text.assemble((f"\n{finding.code} {finding.severity}", COLOURS[finding.severity]), f"  {finding.message}"))
        code(_indented(finding.remedy))
        if finding.better:
            say(f"  better: {finding.better}")
    _bullets("measured", list(report.facts))
    _bullets("not checked", [*unread, *map(as_command, report.not_checked)])


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


@reporting
def score(
    files: Files,
    *,
    loss: LossNames,
    target: Target,
    prediction: Prediction,
    weight: Annotated[str | None, typer.Option("--weight", "-w", metavar="COLUMN", help="A column of weights.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="COLUMN", help="Score each value of this column.")] = None,
    where: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Score the rows where this column is true or not 0.")
    ] = None,
    classes: Classes = None,
    positive: Positive = None,
    skip_missing: Annotated[bool, typer.Option("--skip-missing", help="Leave rows with missing values out.")] = False,
    encoding: Encoding = None,
    form: Format = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Share the work among the workers of this Dask scheduler.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score files of any size: mean losses, by group.

    Each mean is sum(w * loss) / sum(w) over the rows, exact and rounded once, whatever the order of the rows, the files
    and the workers. Files are read in blocks, so they may be larger than memory.
    """
    losses = [loss_from(name) for name in loss]
    with _client(dask) as client, progress(_shown(files), quiet=as_json) as advance:
        scores = score_files(
            files,
            losses,
            target=target,
            prediction=prediction,
            weight=weight,
            by=by,
            where=where,
            classes=_listed(classes),
            positive=positive,
            skip_missing=skip_missing,
            encoding=encoding,
            format=form,
            client=client,
            progress=advance,
        )
    if as_json:
        emit(_score_facts(scores, weight, by))
    else:
        _print_scores(scores, weight, by)


@contextlib.contextmanager
def _client(address: str | None) -> Iterator[Any]:
    """A client of a Dask scheduler, or None."""
    if address is None:
        yield None
        return
    client = connected(address)
    try:
        with own_by_value():
            yield client
    finally:
        client.close()


def _score_facts(scores: Scores, weight: str | None, by: str | None) -> dict[str, Any]:
    def facts(score: Score) -> dict[str, Any]:
        return {"rows": score.rows, "weight": score.weight, "means": dict(score.means)}

    found: dict[str, Any] = {
        "file": scores.source,
        "files": scores.files,
        "rows_read": scores.rows_read,
        "weighted_by": weight,
        "skipped_rows": scores.skipped,
        "masked_rows": scores.masked,
        "all": facts(scores.overall),
    }
    if by is not None:
        found |= {"by": by, "groups": [{"group": score.group} | facts(score) for score in scores.groups]}
    return found


def _print_scores(scores: Scores, weight: str | None, by: str | None) -> None:
    names = list(scores.overall.means)
    headings = [by or "", "rows", *(["weight"] if weight else []), *names]
    found = [(_group(score.group), score) for score in scores.groups] + [("all", scores.overall)]
    rows = [
        (label, f"{score.rows}", *([f"{score.weight:.6g}"] if weight else []), *_means(score)) for label, score in found
    ]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= console().width:
        table(headings, rows, numbers_from=1)
    else:
        # A number broken into lines cannot be read: a block per group instead of a row.
        for place, (label, *numbers) in enumerate(rows):
            say(f"{by}: {label}" if place < len(scores.groups) else label, style="bold")
            pairs(zip(headings[1:], numbers, strict=True))
    if scores.files > 1:
        say(f"{scores.rows_read} rows of {scores.files} files")
    if scores.skipped:
        console(errors=True).print(f"{scores.skipped} rows with missing values left out")


def _group(label: Any) -> str:
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return "(missing)" if label in (None, "") else str(label)


def _means(score: Score) -> list[str]:
    return [f"{mean:.6g}" for mean in score.means.values()]
