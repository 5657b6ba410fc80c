"""The part of the site that is made of records: a Sphinx extension, `tools.pages` in ``docs/conf.py``.

Before Sphinx looks for its sources, the English pages are written beside the others, where git ignores them; for
another language their text is made anew when Sphinx reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from . import anchors, api, explorer, loss, mathml, overview, prose, search
from .catalogue import builtin, families
from .messages import Messages, path

# Pages that stand in the repository as well, for those who read it there: the site has its own text for them.
OVER = {"losses": overview.losses, "gallery": overview.gallery, "peers": overview.peers}


def pages() -> dict[str, Callable[[Messages], str]]:
    """Page -> what makes it."""
    found: dict[str, Callable[[Messages], str]] = dict(OVER)
    found |= {f"families/{family}": partial(overview.family, family) for family in families()}
    found |= {f"losses/{record.name}": partial(loss.page, record) for record in builtin()}
    return found


def write(app: Sphinx) -> None:
    """Writes what is not there or not current; what is current keeps its date, and Sphinx need not read it."""
    english = Messages("en")
    texts = {name: make(english) for name, make in pages().items() if name not in OVER}
    texts["api"] = api.page()
    for name, text in texts.items():
        file = Path(app.srcdir) / f"{name}.md"
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
    for folder in ("losses", "families"):
        for file in (Path(app.srcdir) / folder).glob("*.md"):
            if f"{folder}/{file.stem}" not in texts:
                file.unlink()


def replace(app: Sphinx, name: str, source: list[str]) -> None:
    """The text of a page in the language of this build."""
    if name == "explorer":
        app.env.note_dependency(explorer.__file__)  # Which says what scripts the page loads.
    made = pages().get(name)
    if made is None or (app.config.language == "en" and name not in OVER):
        return
    messages = Messages(app.config.language)
    source[0] = made(messages)
    for part in messages.asked:
        file = path(messages.language, part)
        if file.exists():
            app.env.note_dependency(str(file))


def scripts(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """What only the page of the explorer loads."""
    if name != "explorer":
        return
    app.add_css_file("explorer/explorer.css")
    for each in ("losses", *explorer.SCRIPTS):
        app.add_js_file(f"explorer/{each}.js", priority=600, loading_method="defer")


def write_losses(app: Sphinx, error: Exception | None) -> None:
    """Writes the losses' script, in the language of this build."""
    if error is None and app.builder.format == "html":
        file = Path(app.outdir) / "_static" / "explorer" / "losses.js"
        file.write_text(explorer.script(Messages(app.config.language)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write)
    app.connect("source-read", replace)
    app.connect("html-page-context", scripts)
    app.connect("build-finished", write_losses)
    app.add_transform(prose.CodeIsNotTranslated)
    app.add_transform(prose.NoEmptyLastLine)
    app.add_transform(anchors.SameInEveryLanguage)
    mathml.setup(app)
    search.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
