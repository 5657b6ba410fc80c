"""The page of one loss, made of its record, its graph and a few trials."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import lossary
from lossary.doctor.explainer import Explanation, sets
from lossary.facts.arguments import Role
from lossary.facts.domain import Real
from lossary.facts.record import Record

from .catalogue import builtin, kin
from .estimates import estimate
from .formulas import formula
from .messages import Messages
from .snippets import snippets
from .variants import takes

Say = Callable[[str], str]
DOCS = Path(__file__).resolve().parents[2] / "docs"
_SAMPLE = [0.0, 1.0, 2.0, 3.0, 10.0]


def page(record: Record, messages: Messages) -> str:
    """The page as MyST Markdown."""

    def own(text: str) -> str:
        return messages(text, record.family, record.name)

    told = lossary.explain(record.name)
    parts = [
        f"# {record.name}",
        *_prose(record, own),
        *_picture(record, messages),
        *_explorer(record, messages),
        *_formula(record, messages),
        *_arguments(record, messages, own),
        *_minimum(record, told, messages),
        *_numbers(record, messages),
        *_code(record, messages),
        *_peers(record, messages, own),
        *_related(record, messages),
        *_names(record, messages),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def linked(text: str, here: str = "") -> str:
    """Names of losses in backquotes become links to their pages."""
    known = {record.name for record in builtin()} - {here}
    return re.sub(
        r"(?<![`\w\[])`([a-z_0-9]+)`(?![`\]])",
        lambda m: f"[`{m[1]}`](/losses/{m[1]}.md)" if m[1] in known else m[0],
        text,
    )


def in_markdown(text: str) -> str:
    """Prose of a docstring as Markdown in one line per paragraph: it has its code in doubled backquotes."""
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _prose(record: Record, own: Say) -> Iterator[str]:
    prose, _, example = record.text.partition(">>>")
    for paragraph in re.split(r"\n\s*\n", prose.strip()):
        yield linked(own(in_markdown(paragraph)), record.name)
    if example:
        yield f"```pycon\n>>>{example.rstrip()}\n```"


def _picture(record: Record, messages: Messages) -> Iterator[str]:
    file = f"images/{record.name}.png"
    if (DOCS / file).exists():
        yield f"```{{image}} /{file}\n:alt: {messages('{}: value and slope').format(record.name)}\n```"


def _explorer(record: Record, messages: Messages) -> Iterator[str]:
    if takes(record):
        said = messages("Explore it: drag target, prediction and parameters")
        yield f'<a class="explore" href="../explorer.html#losses={record.name}">{said}</a>'


def _formula(record: Record, messages: Messages) -> Iterator[str]:
    yield f"## {messages('Formula')}"
    for part in formula(record):
        yield f"$$\n{part}\n$$"
    yield f"```text\n{record.name} = {record.definition}\n```"
    yield messages(
        "`mean`, `sum` and the like run over the outputs of one data point; the mean over data points comes after."
    )
    if record.source:
        yield messages.item(messages("Source:"), record.source)


def _arguments(record: Record, messages: Messages, own: Say) -> Iterator[str]:
    yield f"## {messages('Arguments and parameters')}"
    roles = {Role.TARGET: "target", Role.PREDICTION: "prediction", Role.GIVEN: "given, without a gradient"}
    shapes = sets(lossary.get(record.name))
    rows = [[f"`{a.name}`", messages(roles[a.role]), messages(shapes[a.name])] for a in record.arguments]
    yield table([messages("argument"), messages("role"), messages("accepted")], rows)
    rows = []
    for p in record.parameters:
        meaning = in_markdown(getattr(p.allowed, "meaning", "") or "A parameter of the formula")
        said = messages(meaning) if p.shared else own(meaning)
        rows.append(
            [f"`{p.name}={p.default!r}`", linked(said), messages(p.allowed.describe()) if p.allowed is not None else ""]
        )
    if rows:
        yield table([messages("parameter"), messages("meaning"), messages("accepted")], rows)


def _minimum(record: Record, told: Explanation, messages: Messages) -> Iterator[str]:
    yield f"## {messages('Minimum and what it estimates')}"
    said = estimate(record.name, record.family)
    if said:
        yield messages(said)
    start = told.start.replace("targets with", "targets, with")
    lines = [
        messages.item(messages("Value at the best prediction:"), messages.measured(told.floor)),
        messages.item(messages(_first_value(told.start)), messages.measured(start)),
        messages.item(messages("Last layer:"), messages(told.last_layer)),
    ]
    lines += [f"{messages('Best constant:')}{messages.space}{text}" for text in _constant(record, messages)]
    if told.invariances:
        unchanged = messages.semicolon.join(messages(each) for each in told.invariances)
        lines.append(messages.item(messages("Unchanged by:"), unchanged))
    yield "\n".join(f"- {line}" for line in lines)


def _first_value(start: str) -> str:
    made_up = start[0].isdigit() or start[0] == "-"
    return "Value before training, of targets made up at random:" if made_up else "Value before training:"


def _constant(record: Record, messages: Messages) -> Iterator[str]:
    """The one number that is the best for a sample with an outlier, where the targets are plain numbers."""
    if not (record.is_pair and isinstance(record.target, Real) and isinstance(record.prediction, Real)):
        return
    try:
        best = lossary.get(record.name).best_constant(_SAMPLE)
    except lossary.LossError:
        return
    if not isinstance(best, float):
        return
    yield messages("of the targets 0, 1, 2, 3 and 10 it is {}, their mean is 3.2 and their median 2.").replace(
        "{}", f"{best:.4g}"
    )


@lru_cache
def accuracies() -> dict[str, list[tuple[str, str, list[float]]]]:
    """Loss -> its rows on the page of accuracy: configuration, part, errors of the four libraries."""
    found: dict[str, list[tuple[str, str, list[float]]]] = {}
    for line in (DOCS / "accuracy.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 9 and cells[1] in ("value", "slope"):
            name = re.split(r"[\s(:]", cells[0])[0]
            found.setdefault(name, []).append((cells[0], cells[1], [float(cell) for cell in cells[3:7]]))
    return found


def _numbers(record: Record, messages: Messages) -> Iterator[str]:
    yield f"## {messages('Numeric behaviour')}"
    rows = accuracies().get(record.name, [])
    if rows:
        yield messages(
            "Largest error in float32 over inputs chosen to hurt, large, tiny and nearly equal ones, in units in the "
            "last place; none of the answers was NaN or infinite, and no slope was lost. See [accuracy](/accuracy.md)."
        )
        named = {"value": messages("value"), "slope": messages("slope")}
        cells = [[f"`{label}`", named[part], *(f"{worst:.1f}" for worst in errors)] for label, part, errors in rows]
        yield table(["", "", "NumPy", "PyTorch", "JAX", "TensorFlow"], cells)
    else:
        yield messages(
            "Held to the same bounds as [all others](/accuracy.md) by the tests; half precision is computed in float32."
        )


def _code(record: Record, messages: Messages) -> Iterator[str]:
    yield f"## {messages('In your library')}"
    items = [
        f":::{{tab-item}} {tab}\n:sync: {tab.lower()}\n\n```python\n{code}\n```\n:::"
        for tab, code in snippets(record).items()
    ]
    yield "::::{tab-set}\n:sync-group: library\n\n" + "\n\n".join(items) + "\n::::"


def _peers(record: Record, messages: Messages, own: Say) -> Iterator[str]:
    if not record.peers:
        return
    yield f"## {messages('Names elsewhere')}"
    yield messages("What to write here for the values that another library's loss has under its own defaults.")
    rows = []
    for peer in sorted(record.peers, key=str.lower):
        line, _, note = record.line(peer).partition("#")
        rows.append([f"`{peer}`", f"`{line.strip()}`", linked(own(note.strip())) if note else ""])
    yield table([messages("theirs"), messages("ours"), messages("what differs")], rows)


def _related(record: Record, messages: Messages) -> Iterator[str]:
    yield f"## {messages('Related')}"
    named = messages.comma.join(f"[`{other.name}`](/losses/{other.name}.md)" for other in kin(record))
    if named:
        yield messages.item(messages("Named together with it:"), named)
    yield messages.item(messages("Family:"), f"[{record.family}](/families/{record.family}.md)")


def _names(record: Record, messages: Messages) -> Iterator[str]:
    others = messages.comma.join(f"`{name}`" for name in record.spellings())
    yield messages.item(messages("`lossary.get` understands, in any case style:"), others)
