"""Search on the Chinese site."""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese

_HAN = re.compile(r"[\u4e00-\u9fff]{2,}")


class Chinese(SearchChinese):
    """Chinese text is found by its pairs of characters: no dictionary has to cut index and question in the same way.

    Sphinx's own class stems English words by a script that it then calls by a name that is not there, and splits
    questions at spaces only.
    """

    language_name = "English"
    js_splitter_code = """
var splitQuery = (query) =>
  (query.match(/[\\u4e00-\\u9fff]{2,}|[\\p{L}\\p{N}_]+/gu) || []).flatMap((part) =>
    /^[\\u4e00-\\u9fff]/.test(part)
      ? Array.from({ length: Math.max(part.length - 1, 1) }, (_, i) => part.slice(i, i + 2))
      : [part]);
"""

    def split(self, input: str) -> list[str]:  # noqa: A002
        """Words of Latin letters, and pairs of Chinese characters."""
        latin = self.latin1_letters.findall(input)
        self.latin_terms.update(latin)
        return latin + [run[i : i + 2] for run in _HAN.findall(input) for i in range(len(run) - 1)]


def setup(app: Sphinx) -> None:
    """Makes it the search of Chinese."""
    app.add_search_language(Chinese)
