"""What the explorer knows of the losses: one plain script, `losses.js`, of their formulas, facts and texts."""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from lossary.facts.record import Parameter, Record
from lossary.facts.settings import Choice, Flag, Interval
from lossary.show import javascript

from .catalogue import builtin
from .loss import DOCS, in_markdown
from .messages import Messages
from .scenes import Facts, scene
from .variants import variants

FOLDER = DOCS / "_static" / "explorer"
# Scripts by hand, in the order in which they are read.
SCRIPTS = (
    "numbers", "picks", "scenes", "state", "fit",
    "draw", "dials", "curves", "planes", "maps", "data", "side", "explorer",
)  # fmt: skip
PART = "explorer"
_SAID = re.compile(r'\bsay\(\s*"((?:[^"\\]|\\.)+)"')
_MARKS = re.compile(r"``?([^`]*)``?")
_SCRIPT = """\
"use strict";
(function (site) {{
{words}
{functions}
site.functions = {{ {names} }};
site.losses = {losses};
site.texts = {texts};
}})(globalThis.lossaryExplorer = globalThis.lossaryExplorer || {{}});
"""


def script(messages: Messages) -> str:
    """The script in one language."""
    functions, losses = {}, []
    for record in builtin():
        found = []
        for number, (switches, program, parameters) in enumerate(variants(record)):
            name = f"{record.name}_{number}" if number else record.name
            functions[name] = javascript.printed(program, name)
            found.append(
                {"when": switches, "call": name, "numbers": list(program.numbers), "scene": scene(program, parameters)}
            )
        if found:
            losses.append(_facts(record, messages) | {"variants": found})
    return _SCRIPT.format(
        words=javascript.words_of(*functions.values()),
        functions="\n".join(functions.values()),
        names=", ".join(functions),
        losses=_lines(losses),
        texts=json.dumps({text: messages(text, PART) for text in interface()}, ensure_ascii=False, indent=0),
    )


@lru_cache
def interface() -> tuple[str, ...]:
    """Every sentence that the scripts say."""
    source = "\n".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return tuple(dict.fromkeys(json.loads(f'"{text}"') for text in _SAID.findall(source)))


def _lines(losses: list[Facts]) -> str:
    """One loss a line."""
    told = [json.dumps(each, ensure_ascii=False, separators=(",", ":"), allow_nan=False) for each in losses]
    return "[\n" + ",\n".join(told) + "\n]"


def _facts(record: Record, messages: Messages) -> Facts:
    def plain(text: str) -> str:
        return _MARKS.sub(r"\1", in_markdown(text))

    def said(p: Parameter) -> str:
        meaning = in_markdown(getattr(p.allowed, "meaning", "") or "A parameter of the formula")
        return plain(messages(meaning) if p.shared else messages(meaning, record.family, record.name))

    summary = in_markdown(record.text.split("\n\n", 1)[0])
    return {
        "name": record.name,
        "object": record.class_name,
        "family": record.family,
        "also": sorted({*record.spellings()} - {record.name, record.class_name}),
        "summary": plain(messages(summary, record.family, record.name)),
        "parameters": [
            {"name": p.name, "default": p.default, "meaning": said(p)} | _dial(p)
            for p in record.parameters
            if isinstance(p.allowed, Flag | Choice | Interval)
        ],
    }


def _dial(parameter: Parameter) -> Facts:
    """How a parameter is set, and over which range it is dragged."""
    allowed = parameter.allowed
    if isinstance(allowed, Choice):
        return {"values": list(allowed.names)}
    if not isinstance(allowed, Interval):
        return {"values": [False, True]}
    default = float(parameter.default)
    bounds = {"least": _finite(allowed.minimum), "most": _finite(allowed.maximum), "open": allowed.open_below}
    if 0.0 < default < 0.01:
        return bounds | {"low": default / 1000.0, "high": min(allowed.maximum, 1.0), "logarithmic": True}
    low, high = _reach(allowed, default)
    step = 10.0 ** math.floor(math.log10((high - low) / 50.0))
    return bounds | {"low": low + step if allowed.open_below and low == allowed.minimum else low, "high": high,
                     "step": 1 if allowed.whole else step}  # fmt: skip


def _reach(allowed: Interval, default: float) -> tuple[float, float]:
    low, high = allowed.minimum, allowed.maximum
    if low == -math.inf:
        return (default - 5.0 if high == math.inf else high - 6.0), min(high, default + 5.0)
    return low, min(high, max(low + 5.0 * (default - low), low + 4.0))


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _note(app: Sphinx, name: str, source: list[str]) -> None:
    """The page is made anew where other scripts are listed here."""
    if name == "explorer":
        app.env.note_dependency(__file__)


def _load(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """What only the page of the explorer loads."""
    if name != "explorer":
        return
    app.add_css_file("explorer/explorer.css")
    for each in ("losses", *SCRIPTS):
        app.add_js_file(f"explorer/{each}.js", priority=600, loading_method="defer")


def _write(app: Sphinx, error: Exception | None) -> None:
    """Writes the losses' script, in the language of this build."""
    if error is None and app.builder.format == "html":
        file = Path(app.outdir) / "_static" / "explorer" / "losses.js"
        file.write_text(script(Messages(app.config.language)), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Gives the page of the explorer its scripts."""
    app.connect("source-read", _note)
    app.connect("html-page-context", _load)
    app.connect("build-finished", _write)
