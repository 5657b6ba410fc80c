"""The sentences of the site and their translations.

python tools/translations.py update     brings the catalogues of ``docs/locale`` up to date; translations stay
python tools/translations.py            says how many sentences of each page lack a translation
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tools.pages import explorer, pages  # noqa: E402
from tools.pages.messages import LOCALE, Messages, path  # noqa: E402
from tools.pages.prose import NOT_HERE  # noqa: E402

LANGUAGES = ("zh_CN",)
POT = ROOT / "docs" / "_build" / "gettext"


def asked() -> Messages:
    """All sentences of the pages that are made of records."""
    messages = Messages("en")
    messages("More")
    for make in pages().values():
        make(messages)
    explorer.script(messages)
    return messages


def from_records() -> dict[str, Catalog]:
    """Part -> its sentences."""
    found = {}
    for part, sentences in asked().asked.items():
        catalog = found[part] = Catalog()
        for text, places in sentences.items():
            catalog.add(text, user_comments=[", ".join(places)] if places else [])
    return found


def from_sphinx() -> dict[str, Catalog]:
    """Page written by hand -> its sentences."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-q",
            "-b",
            "gettext",
            "-d",
            str(POT / ".doctrees"),
            str(ROOT / "docs"),
            str(POT),
        ],
        check=True,
    )
    found = {}
    for file in sorted(POT.glob("*.pot")):
        with file.open("rb") as stream:
            catalog = read_po(stream)
        if len(catalog) and file.stem not in NOT_HERE:
            found[file.stem] = catalog
    return found


def update(language: str, target: Path, template: Catalog) -> None:
    """Merges sentences into the catalogue of a language; one that changed keeps its translation, marked fuzzy."""
    catalog = Catalog(language)
    if target.exists():
        with target.open("rb") as stream:
            catalog = read_po(stream, locale=language)
    catalog.update(template, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.header_comment = "# The lossary site"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        write_po(stream, catalog, width=120, omit_header=False, ignore_obsolete=True, no_location=True)


def lacking(language: str) -> Iterator[tuple[str, int, int]]:
    """File, how many of its sentences lack a translation, and how many there are."""
    for file in sorted((LOCALE / language).rglob("*.po")):
        with file.open("rb") as stream:
            messages = [message for message in read_po(stream) if message.id]
        without = sum(not message.string or message.fuzzy for message in messages)
        yield str(file.relative_to(LOCALE / language / "LC_MESSAGES")), without, len(messages)


def main(arguments: list[str]) -> int:
    """Updates the catalogues, or counts."""
    if arguments == ["update"]:
        for language in LANGUAGES:
            for part, template in from_records().items():
                update(language, path(language, part), template)
            for page, template in from_sphinx().items():
                update(language, LOCALE / language / "LC_MESSAGES" / f"{page}.po", template)
    for language in LANGUAGES:
        counts = list(lacking(language))
        for file, without, of in counts:
            if without:
                print(f"{language} {file}: {without} of {of} sentences lack a translation")
        print(f"{language}: {sum(c[1] for c in counts)} of {sum(c[2] for c in counts)} sentences lack a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
