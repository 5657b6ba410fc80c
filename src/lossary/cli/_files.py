"""Commands about files of targets and predictions: ``suggest``, ``check``, ``score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.text import Text

from ..console.arguments import AsJson, LossNames, Rows, loss_from, one_of
from ..console.output import FOUND, as_command, code, console, emit, pairs, progress, reporting, say, table
from ..scoring import Score, Scores, from_columns, open_table, steady
from ..scoring import score as score_file

if TYPE_CHECKING:
    from ..doctor import Advice, Report

COLOURS = {"error": "bold red", "warning": "bold yellow", "note": "bold blue"}

File = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV, Parquet or NPZ file.")]
Target = Annotated[
    list[str],
    typer.Option("--target", "-t", metavar="COLUMN", help="The column of the targets; repeat it for several outputs."),
]
Prediction = Annotated[
    list[str],
    typer.Option(
        "--prediction",
        "-p",
        metavar="COLUMN",
        help="The column of the predictions; repeat it for one per class or output, or name a column of lists.",
    ),
]


def _read(path: Path, *roles: list[str], rows: int) -> tuple[list[Any], bool]:
    """For each role its columns side by side as one array, and whether that is the whole file."""
    with steady(path):
        source = open_table(path)
        parts = {column: source.raw(column, rows) for columns in roles for column in columns}
    lengths = [len(array) for array, _ in parts.values()]
    whole = all(whole for _, whole in parts.values())
    # Of wide columns fewer rows are read; rows of different number are an error of the file.
    arrays = {column: np.asarray(array)[: None if whole else min(lengths)] for column, (array, _) in parts.items()}
    joined = [[arrays[column] for column in columns] for columns in roles]
    return [columns[0] if len(columns) == 1 else np.column_stack(columns) for columns in joined], whole


@reporting
def suggest(
    path: File,
    *,
    target: Target,
    goal: Annotated[
        str | None, typer.Option(help="What the targets mean, where they leave it open: counts, ...")
    ] = None,
    framework: Annotated[str, typer.Option(help="The framework of the lines to paste: keras or torch.")] = "keras",
    rows: Rows = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Suggest loss, output layer and metric for targets."""
    from ..doctor import suggest as advise

    paste: Any = one_of("framework", framework, ("keras", "torch"))
    wanted: Any = goal
    (values,), whole = _read(path, target, rows=rows)
    advice = advise(values, goal=wanted)
    seen = {"file": str(path), "target": target, "rows": len(values), "whole_file": whole}
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
    path: File,
    *,
    loss: LossNames,
    target: Target,
    prediction: Prediction,
    rows: Rows = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """Check targets and predictions against a loss.

    The exit status is 0 if nothing is wrong, 1 if there is an error or a warning, 2 if the check could not be made.
    """
    from ..doctor import diagnose

    losses = [loss_from(name) for name in loss]
    (y_true, y_pred), whole = _read(path, target, prediction, rows=rows)
    reports = [diagnose(one, *from_columns(one, y_true, y_pred)) for one in losses]
    unread = [] if whole else [f"the rows after the first {len(y_true)}; --rows reads more"]
    ok = all(report.ok for report in reports)
    if as_json:
        found = [report.to_dict() for report in reports]
        for one in found:
            one["not_checked"] = [*unread, *one["not_checked"]]
        emit({"file": str(path), "rows": len(y_true), "ok": ok, "reports": found})
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
    path: File,
    *,
    loss: LossNames,
    target: Target,
    prediction: Prediction,
    weight: Annotated[str | None, typer.Option("--weight", "-w", metavar="COLUMN", help="A column of weights.")] = None,
    by: Annotated[str | None, typer.Option("--by", metavar="COLUMN", help="Score each value of this column.")] = None,
    skip_missing: Annotated[bool, typer.Option("--skip-missing", help="Leave rows with missing values out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score a file of any size: mean losses, by group.

    Each mean is sum(w * loss) / sum(w) over the rows, exact and rounded once, whatever the order of the rows. The file
    is read in blocks, so it may be larger than memory.
    """
    losses = [loss_from(name) for name in loss]
    with progress(path.name, quiet=as_json) as advance:
        scores = score_file(
            path,
            losses,
            target=target,
            prediction=prediction,
            weight=weight,
            by=by,
            skip_missing=skip_missing,
            progress=advance,
        )
    if as_json:
        emit(_score_facts(scores, weight, by))
    else:
        _print_scores(scores, weight, by)


def _score_facts(scores: Scores, weight: str | None, by: str | None) -> dict[str, Any]:
    def facts(score: Score) -> dict[str, Any]:
        return {"rows": score.rows, "weight": score.weight, "means": dict(score.means)}

    found: dict[str, Any] = {
        "file": str(scores.path),
        "weighted_by": weight,
        "skipped_rows": scores.skipped,
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
    if scores.skipped:
        console(errors=True).print(f"{scores.skipped} rows with missing values left out")


def _group(label: Any) -> str:
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return "(missing)" if label in (None, "") else str(label)


def _means(score: Score) -> list[str]:
    return [f"{mean:.6g}" for mean in score.means.values()]
