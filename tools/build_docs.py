"""Builds the site into ``docs/_build/html``: ``en``, ``zh``, and a front door that leads to one of them.

python tools/build_docs.py             both languages; a warning is an error
python tools/build_docs.py en          one of them
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sphinx.cmd.build import build_main

DOCS = Path(__file__).resolve().parent.parent / "docs"
BUILT = DOCS / "_build"
LANGUAGES = {"en": "en", "zh": "zh_CN"}
_DOOR = """<!doctype html>
<meta charset="utf-8">
<title>lossary</title>
<link rel="icon" href="en/_static/icon.svg">
<meta http-equiv="refresh" content="0; url=en/index.html">
<script>if (navigator.language.startsWith("zh")) location.replace("zh/index.html" + location.hash)</script>
<p><a href="en/index.html">English</a> · <a href="zh/index.html" lang="zh">中文</a></p>
"""


def build(short: str, builder: str = "html") -> int:
    """Builds one language; returns Sphinx's status."""
    language = LANGUAGES[short]
    options = ["-q", "-W", "--keep-going", "-b", builder, "-D", f"language={language}"]
    return build_main([*options, "-d", str(BUILT / "doctrees" / short), str(DOCS), str(BUILT / builder / short)])


def main(wanted: list[str]) -> int:
    """Builds what is wanted, and says how long it took and how large it is."""
    for short in wanted or LANGUAGES:
        start = time.perf_counter()
        if build(short):
            return 1
        files = [file for file in (BUILT / "html" / short).rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / 2**20
        print(f"{short}: {time.perf_counter() - start:.0f} s, {len(files)} files, {size:.0f} MiB")
    (BUILT / "html" / "index.html").write_text(_DOOR, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
