"""Pages about all losses: by family, in pictures, and by the names of other libraries."""

from __future__ import annotations

import itertools

from lossary.facts.families import about
from lossary.texts.peers import lines_of_libraries, of_libraries

from .catalogue import builtin, families
from .loss import DOCS, in_markdown, linked, table
from .messages import Messages


def losses(messages: Messages) -> str:
    """The families, and what all of them share."""
    head = (DOCS.parent / "tools" / "losses.head.md").read_text().split("\n\n", 2)
    lines = ["# " + messages("The losses")]
    lines += [_said(messages, block) for block in head[1:]]
    leads = about(builtin())
    rows = [
        [f"[{family}](/families/{family}.md)", messages(leads[family], family, family), str(len(mine))]
        for family, mine in families().items()
    ]
    lines.append(table([messages("family"), messages("what for"), messages("how many")], rows))
    lines.append(_toctree([f"families/{family}" for family in families()]))
    return "\n\n".join(lines) + "\n"


def _said(messages: Messages, text: str) -> str:
    """Paragraphs and items, each a sentence of its own."""
    parts = []
    for block in text.strip().split("\n\n"):
        items = block.split("\n- ")
        first = items[0].removeprefix("- ")
        if block.startswith("- "):
            parts.append("\n".join(f"- {messages(in_markdown(item))}" for item in [first, *items[1:]]))
        else:
            parts.append(messages(in_markdown(block)))
    return "\n\n".join(parts)


def family(name: str, messages: Messages) -> str:
    """The losses of one family with their first lines."""
    mine = families()[name]
    lines = [f"# {name}", messages(about(mine)[name], name, name)]
    for record in mine:
        summary = linked(messages(in_markdown(_summary(record.text)), name, record.name), record.name)
        lines.append(f"[`{record.name}`](/losses/{record.name}.md)\n: {summary}")
    lines.append(_toctree([f"losses/{record.name}" for record in mine]))
    return "\n\n".join(lines) + "\n"


def _summary(text: str) -> str:
    """The first paragraph, which is the one that the page of the loss has too."""
    return text.split("\n\n", 1)[0]


def _toctree(names: list[str]) -> str:
    entries = "\n".join(f"/{name}" for name in names)
    return f"```{{toctree}}\n:hidden:\n:maxdepth: 1\n\n{entries}\n```"


def gallery(messages: Messages) -> str:
    """All pictures, each a link to its page."""
    lines = [f"# {messages('Gallery')}"]
    lines.append(
        messages(
            "Value and slope of every loss, drawn by `lossary.plot`; `lossary plot huber log_cosh` draws your own "
            "choice. The slope is the derivative of the value along the horizontal axis. Losses of whole rows are "
            "drawn as surfaces: in the triangles, a corner gives all probability to one class and the middle a third "
            "to each; in the squares, the third class has the score 0."
        )
    )
    for name, mine in families().items():
        cards = [
            f":::{{grid-item-card}} {record.name}\n:img-bottom: /images/{record.name}.png\n"
            f":img-alt: {record.name}\n:link: /losses/{record.name}\n:link-type: doc\n:::"
            for record in mine
            if (DOCS / "images" / f"{record.name}.png").exists()
        ]
        lines.append(f"## {name}")
        lines.append("::::{grid} 1 1 2 2\n:gutter: 3\n\n" + "\n\n".join(cards) + "\n::::")
    return "\n\n".join(lines) + "\n"


def peers(messages: Messages) -> str:
    """What to write for the losses of other libraries, by library."""
    head = (DOCS.parent / "tools" / "peers.head.md").read_text().strip().split("\n\n", 1)
    lines = ["# " + messages("Losses of other libraries"), _said(messages, head[1])]
    titles = [messages("theirs"), messages("ours"), messages("what differs"), messages("page")]
    owners = of_libraries()
    for library, found in itertools.groupby(lines_of_libraries().items(), lambda item: item[0].split(".")[0]):
        rows = []
        for name, text in found:
            line, _, note = text.partition("#")
            record = owners.get(name)
            said = linked(messages(note.strip(), *((record.family, record.name) if record else ()))) if note else ""
            page = f"[{record.name}](/losses/{record.name}.md)" if record else ""
            rows.append([f"`{name}`", f"`{line.strip()}`", said, page])
        lines += [f"## {library}", table(titles, rows)]
    return "\n\n".join(lines) + "\n"
