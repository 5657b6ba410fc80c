"""Translations keep what is code, and every sentence of the pages that are made of records has a place for one."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po
from tools.pages.messages import LOCALE, Messages, path
from tools.translations import LANGUAGES, asked

DOCS = LOCALE.parent
FILES = sorted(LOCALE.rglob("*.po"))
# Of pages that a hand wrote.
PAGES = [file for file in FILES if file.parent.name == "LC_MESSAGES" and (DOCS / f"{file.stem}.md").exists()]
# Code, addresses and places for numbers; the latter in their order.
KEPT = re.compile(r"`[^`]+`|\]\([^)]*\)")


def messages(file):
    with file.open("rb") as stream:
        return [message for message in read_po(stream) if message.id]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_code_and_addresses_are_those_of_the_original(file):
    for message in messages(file):
        if message.string:
            assert set(KEPT.findall(message.id)) == set(KEPT.findall(message.string)), message.id
            assert message.id.count("{}") == message.string.count("{}"), message.id
            assert not message.string.endswith(" "), message.id


@pytest.mark.exhaustive
def test_every_sentence_of_the_records_is_in_the_catalogues():
    for part, sentences in asked().asked.items():
        for language in LANGUAGES:
            assert {message.id for message in messages(path(language, part))} == set(sentences), part


# How a page breaks and quotes its lines, which a catalogue does not keep.
LAYOUT = re.compile(r"[\s\\|>]")


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_sentences_are_those_of_their_page(file):
    page = LAYOUT.sub("", (DOCS / f"{file.stem}.md").read_text(encoding="utf-8"))
    assert not [message.id for message in messages(file) if LAYOUT.sub("", message.id) not in page], (
        "run python tools/translations.py update, and translate what has changed"
    )


def test_numbers_of_a_run_come_back_in_their_order():
    chinese = Messages("zh_CN")
    said = chinese.measured("0.9225 was the least of 1000 values on ordinary inputs")
    assert re.findall(r"\d+(?:\.\d+)?", said) == ["0.9225", "1000"]
    assert chinese("real numbers") == "实数"
    assert Messages("en")("real numbers") == "real numbers"


def test_what_nobody_translated_stays_as_it_is():
    assert Messages("zh_CN")("a sentence that nobody has seen") == "a sentence that nobody has seen"
