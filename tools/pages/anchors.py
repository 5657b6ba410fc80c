"""A place on a page has one address in all languages, so that a change of language keeps it."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .messages import originals


class SameInEveryLanguage(SphinxTransform):
    """Gives sections of pages that are made of records the names that they have in English."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Called by Sphinx for every document."""
        english = originals(self.config.language)
        for section in self.document.findall(nodes.section):
            text = english.get(section[0].astext())
            if text is not None:
                section["ids"].insert(0, nodes.make_id(text))
