"""Commands about losses themselves: ``list``, ``show``, ``plot``, ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from .._extras import require
from ..console import FOUND
from ..console.arguments import LOSS, AsJson, complete_loss, loss_from, one_of
from ..console.errors import UsageError
from ..console.output import as_command, code, console, draw, emit, reporting, say, table
from ..facts import families
from ..facts.families import TASKS
from ..facts.record import Case, Parameter, Record
from ..objects.define import Loss, records
from ..objects.get import names

if TYPE_CHECKING:
    from ..doctor.verification import Verification

BACKENDS = ("numpy", "torch", "jax", "tensorflow", "pytensor")


@reporting
def list_losses(
    family: Annotated[str | None, typer.Option(help="Only this family: regression, binary, multiclass, ...")] = None,
    task: Annotated[str | None, typer.Option(help=f"Only for this task: {', '.join(TASKS)}.")] = None,
    search: Annotated[str, typer.Option(metavar="WORDS", help="Only where all these words occur.")] = "",
    peer: Annotated[
        str | None, typer.Option(help="What to write for another library's losses: torch, keras, ...")
    ] = None,
    backend: Annotated[str | None, typer.Option(help=f"How each runs on {', '.join(BACKENDS)}.")] = None,
    as_json: AsJson = False,
) -> None:
    """List losses: all, or those of a family, for a task, about some words; or another library's beside ours."""
    if peer is not None:
        _print_peers(names(peer), as_json=as_json)
        return
    known = records()
    family = family and one_of("family", family, sorted(families.about(known)))
    task = task and one_of("task", task, list(TASKS))
    found = families.found(known, family=family, task=task, search=search)
    if not found:
        raise UsageError("no loss is like that; all losses: lossary list")
    if backend is not None:
        require(one_of("backend", backend, BACKENDS), None, f"--backend {backend}")
    paths = None if backend is None else [_path(record, one_of("backend", backend, BACKENDS)) for record in found]
    if as_json:
        rows = [_facts(record) for record in found]
        if paths is not None:
            rows = [row | {"backend": backend, "path": path} for row, path in zip(rows, paths, strict=True)]
        emit(rows)
    else:
        heading = "what it is" if paths is None else f"on {backend}"
        texts = [_plain(record.summary) for record in found] if paths is None else paths
        _print_list(heading, found, texts)


def _print_peers(lines: dict[str, str], *, as_json: bool) -> None:
    """Another library's names and the lines to write for them."""
    if as_json:
        emit(lines)
    elif max(map(len, lines)) + 2 + max(map(len, lines.values())) <= console().width:
        table(["theirs", "ours"], list(lines.items()))
    else:  # Lines to copy are never wrapped.
        for theirs, ours in lines.items():
            say(theirs, "bold")
            code(f"  {ours}")


def _print_list(heading: str, found: list[Record], texts: list[str]) -> None:
    """A table, or in a narrow terminal a name with its text underneath."""
    if console().width >= 90:
        rows = [(record.name, record.family, text) for record, text in zip(found, texts, strict=True)]
        table(["name", "family", heading], rows)
        return
    for record, text in zip(found, texts, strict=True):
        say(Text.assemble((record.name, "bold"), f"  {record.family}"))
        draw(Padding(text, (0, 0, 0, 2), expand=False))


def _path(record: Record, backend: str) -> str:
    from ..kernels import explain

    sentence = explain(record.name, backend=backend)
    return sentence.removeprefix(f"{record.name} ")


def _facts(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "class": record.class_name,
        "aliases": list(record.aliases),
        "family": record.family,
        "summary": record.summary,
        "definition": record.definition,
        "target": record.target.describe(),
        "prediction": record.prediction.describe(),
        "activation": record.prediction.activation,
        "parameters": record.defaults(),
        "source": record.source,
    }


def _plain(prose: str) -> str:
    """Docstring prose without its marks for code."""
    return prose.replace("`", "")


LossName = Annotated[str, typer.Argument(metavar="NAME", help=LOSS, autocompletion=complete_loss)]
LossArguments = Annotated[list[str], typer.Argument(metavar="NAME", help=LOSS, autocompletion=complete_loss)]


@reporting
def show(
    name: LossName,
    kernel: Annotated[bool, typer.Option("--kernel", help="Print the generated source of the fused kernel.")] = False,
    readable: Annotated[
        bool, typer.Option("--readable", help="Print what the fused kernel computes as plain NumPy.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw value and slope into a PNG, SVG or PDF.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one loss: when to use it and what it takes."""
    loss = loss_from(name)
    source = _kernel_source(loss, readable=readable) if kernel or readable else None
    if plot is not None:
        _draw([loss], plot)
    if as_json:
        from ..doctor import explain

        told = explain(loss).to_dict()
        facts = _facts(loss.record) | {"written": repr(loss), "parameters": dict(loss.parameters)}
        facts |= {key: told[key] for key in ("floor", "start", "invariances", "gradient")}
        emit(facts | ({"kernel": source} if source is not None else {}) | ({"plot": str(plot)} if plot else {}))
    elif source is not None:
        code(source.rstrip())
    else:
        _describe(loss)
        if plot is not None:
            say(f"\ndrawn into {plot}")


def _kernel_source(loss: Loss, *, readable: bool) -> str:
    from ..kernels import source

    return source(loss, readable=readable)


def _describe(loss: Loss) -> None:
    from ..doctor import explain
    from ..doctor.explainer import sets

    record, told = loss.record, explain(loss)
    say(record.name, style="bold")
    prose = record.text.partition(">>>")[0].strip()
    for paragraph in _plain(prose).split("\n\n"):
        say(" ".join(paragraph.split()) + "\n")
    if told.formula:
        code(f"  {told.formula}\n")
    rows = [
        ("written", told.loss),
        ("also", ", ".join(told.also_known_as)),
        ("family", record.family),
        *sets(loss).items(),
        ("last layer", told.last_layer),
        *(_parameter(loss, parameter) for parameter in record.parameters),
        ("lowest", told.floor) if "least" in told.floor else ("perfect", f"value {told.floor}"),
        ("at start", told.start),
        ("same under", "; ".join(told.invariances)),
        ("source", told.source),
        *(("by hand", _case(record, case)) for case in record.cases[:1]),
    ]
    table(["", ""], [row for row in rows if row[1]], headed=False)


def _parameter(loss: Loss, parameter: Parameter) -> tuple[str, str]:
    meaning = getattr(parameter.allowed, "meaning", "")
    accepted = f" ({parameter.allowed.describe()})" if parameter.allowed is not None else ""
    return parameter.name, f"{loss.parameters[parameter.name]!r}" + (f": {meaning}" if meaning else "") + accepted


def _case(record: Record, case: Case) -> str:
    settings = "".join(f", {key}={value!r}" for key, value in case.parameters.items())
    values = ", ".join(f"{value:g}" for value in case.value)
    arrays = ", ".join(map(str, case.arrays))
    return f"{record.name}({arrays}{settings}) = [{values}]: {case.working}"


MARKS = {
    "passed": Text("ok", style="green"),
    "failed": Text("FAIL", style="bold red"),
    "fact": Text(),
    "not checked": Text("--", style="yellow"),
}


@reporting
def verify(
    names: LossArguments,
    backend: Annotated[str, typer.Option(help=f"The array library: {', '.join(BACKENDS)}.")] = "numpy",
    seed: Annotated[int, typer.Option(min=0, help="Of the random inputs.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Verify that losses are sound: gradient, minimum, edges.

    The exit status is 0 if no check failed, 1 if one did, 2 if a loss could not be verified.
    """
    from ..doctor import verify as examine

    wanted = one_of("backend", backend, BACKENDS)
    require(wanted, None, f"--backend {wanted}")
    found = [examine(loss_from(name), wanted, seed=seed) for name in names]
    ok = all(one.ok for one in found)
    if as_json:
        emit({"ok": ok, "reports": [one.to_dict() for one in found]})
    else:
        for number, one in enumerate(found):
            _print_verification(one, apart=number > 0)
    if not ok:
        raise typer.Exit(FOUND)


def _print_verification(found: Verification, *, apart: bool) -> None:
    if apart:
        say("")
    verdict = "sound" if found.ok else f"{len(found.failed)} of {len(found.checks)} checks failed"
    say(f"{found.loss} on {found.backend}: {verdict}", style="bold green" if found.ok else "bold red")
    table(["", "", ""], [(MARKS[one.status], one.name, as_command(one.detail)) for one in found.checks], headed=False)


@reporting
def plot(
    names: LossArguments,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The picture: PNG, SVG or PDF by its ending.")
    ] = Path("losses.png"),
    as_json: AsJson = False,
) -> None:
    """Draw value and slope of losses."""
    losses = [loss_from(name) for name in names]
    _draw(losses, output)
    if as_json:
        emit({"plot": str(output), "losses": [repr(loss) for loss in losses]})
    else:
        say(f"drawn into {output}")


def _draw(losses: list[Loss], output: Path) -> None:
    require("matplotlib", "plot", "drawing")
    from ..show import plot as draw

    one_of("picture ending", output.suffix.lower(), (".png", ".svg", ".pdf"))
    draw(*losses).savefig(output)
