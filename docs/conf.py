"""How Sphinx builds the site: ``make docs``, or ``python tools/build_docs.py``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import lossary  # noqa: E402

project = "lossary"
author = "the authors of lossary"
copyright = f"2026, {author}"  # noqa: A001
release = version = lossary.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "tools.pages",
]
exclude_patterns = ["_build", "_templates", "guide/*.py", "locale"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]

language = "en"
locale_dirs = ["locale"]
gettext_compact = True
gettext_uuid = False
gettext_location = False
gettext_additional_targets = []

nitpicky = True
default_role = "literal"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_block"]
myst_heading_anchors = 3
myst_dmath_double_inline = False
html_math_renderer = "mathml"
suppress_warnings = ["myst.strikethrough"]

html_theme = "pydata_sphinx_theme"
html_title = "lossary"
html_favicon = "_static/icon.svg"
html_show_sourcelink = False
html_copy_source = False
# The theme complains where nobody has said it.
html_context = {"default_mode": "auto"}
# Pages that have no others below them.
_ALONE = "start choose migrate own peers know seams doctor cli gallery api accuracy benchmarks benchmarks_cuda changes"
html_sidebars = {page: [] for page in _ALONE.split()}
html_theme_options = {
    "navbar_end": ["language.html", "theme-switcher"],
    "navbar_align": "left",
    "collapse_navigation": True,
    "navigation_depth": 3,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "search_bar_text": "Search",
}
html_sidebars["explorer"] = []  # It needs the width.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
