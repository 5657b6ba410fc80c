"""Formulas as MathML, which browsers draw without a script: pages work from the local file system."""

from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def _inline(self: object, node: nodes.Element) -> None:
    self.body.append(convert(node.astext()))  # type: ignore[attr-defined]
    raise nodes.SkipNode


def _block(self: object, node: nodes.Element) -> None:
    self.body.append(f'<div class="math-block">{convert(node.astext(), display="block")}</div>')  # type: ignore[attr-defined]
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Makes it the way in which mathematics is written."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
