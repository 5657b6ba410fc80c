"""Sentences of the pages that are made of records, and their translations.

They lie in ``docs/locale/<language>/LC_MESSAGES/losses/``, a file for each family and ``pages.po`` for what all pages
share. Numbers in sentences that a run made are left out of them, so that one translation serves all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parents[2] / "docs" / "locale"
SHARED = "pages"
# Code in the text is none of a sentence, nor are the numbers, signs and names in it that nobody would translate.
_CODE = re.compile(r"``?[^`]*``?|\]\([^)]*\)|https?://\S+|[\w.]*[._=][\w.]+|LS\d+|\d (?:ms|MB)\b")
_WORD = re.compile(r"[A-Za-z]{2,}")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\w)")


def is_prose(text: str) -> bool:
    """Whether there is anything in a text to translate.

    >>> is_prose("`lossary.Huber()` 0.5"), is_prose("see `huber`")
    (False, True)
    """
    return bool(_WORD.search(_CODE.sub(" ", text)))


def path(language: str, part: str) -> Path:
    """Where the translations of a part lie."""
    return LOCALE / language / "LC_MESSAGES" / "losses" / f"{part}.po"


@lru_cache
def _catalog(language: str, part: str) -> Catalog:
    file = path(language, part)
    if not file.exists():
        return Catalog(language)
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def originals(language: str) -> dict[str, str]:
    """Translation -> sentence, of those that all pages share."""
    catalog = _catalog(language, SHARED)
    return {str(message.string): str(message.id) for message in catalog if message.id and message.string}


class Messages:
    """Sentences in one language, and which of them were asked for."""

    def __init__(self, language: str) -> None:
        self.language = language
        chinese = language.startswith("zh")
        self.space, self.stop, self.comma, self.semicolon = (
            ("", "\u3002", "\u3001", "\uff1b") if chinese else (" ", ".", ", ", "; ")
        )
        self.asked: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def __call__(self, text: str, part: str = SHARED, where: str = "") -> str:
        """A sentence of a part in this language, or as it is where nobody has translated it."""
        if not is_prose(text):
            return text
        places = self.asked[part][text]
        if where and where not in places:
            places.append(where)
        found = None if self.language == "en" else _catalog(self.language, part).get(text)
        return str(found.string) if found is not None and found.string and not found.fuzzy else text

    def item(self, label: str, text: str) -> str:
        """What a label in this language is about, as a sentence."""
        return f"{label}{self.space}{text}{self.stop}"

    def measured(self, text: str) -> str:
        """A sentence with numbers of a run in it."""
        numbers = iter(_NUMBER.findall(text))
        translated = self(_NUMBER.sub("{}", text))
        return re.sub(r"\{\}", lambda _: next(numbers), translated)
