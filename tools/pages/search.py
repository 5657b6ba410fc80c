"""Search on the Chinese site."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese


class Chinese(SearchChinese):
    """Sphinx's own stems English words by a script that it then calls by a name that is not there."""

    language_name = "English"
    # A question is split where a reader of Chinese would, as the index was; Sphinx's own script splits at spaces only.
    js_splitter_code = """
var splitQuery = (query) =>
  Array.from(new Intl.Segmenter("zh", { granularity: "word" }).segment(query))
    .filter((part) => part.isWordLike)
    .flatMap((part) => part.segment.split("."));
"""


def setup(app: Sphinx) -> None:
    """Makes it the search of Chinese."""
    app.add_search_language(Chinese)
