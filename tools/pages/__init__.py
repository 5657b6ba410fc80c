"""The part of the site that is made of records: a Sphinx extension, `tools.pages` in ``docs/conf.py``.

Before Sphinx looks for its sources, the English pages are written beside the others, where git ignores them; for
another language their text is made anew when Sphinx reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

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
    made = pages().get(name)
    if made is None or (app.config.language == "en" and name not in OVER):
        return
    messages = Messages(app.config.language)
    source[0] = made(messages)
    for part in messages.asked:
        file = path(messages.language, part)
        if file.exists():
            app.env.note_dependency(str(file))


def theme(app: Sphinx, config: Config) -> None:
    """The words of the theme that it does not translate."""
    config.html_theme_options["header_dropdown_text"] = Messages(config.language)("More")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("config-inited", theme)
    app.connect("builder-inited", write)
    app.connect("source-read", replace)
    app.add_transform(prose.CodeIsNotTranslated)
    app.add_transform(prose.NoEmptyLastLine)
    app.add_transform(anchors.SameInEveryLanguage)
    mathml.setup(app)
    search.setup(app)
    explorer.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
