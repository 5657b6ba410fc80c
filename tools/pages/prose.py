"""What Sphinx is not to offer for translation: text without a sentence in it, and what the program itself says."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from .messages import is_prose

# Pages whose translations lie with those of the losses, or which are not translated.
NOT_HERE = ("losses", "families", "gallery", "peers", "api", "changes")
# Pages whose tables hold names and numbers.
_MEASURED = ("accuracy", "benchmarks", "benchmarks_cuda")


class CodeIsNotTranslated(SphinxTransform):
    """Marks text that needs no translation, before Sphinx collects it."""

    default_priority = 5

    def apply(self, **kwargs: Any) -> None:
        """Called by Sphinx for every document."""
        elsewhere = self.env.docname.split("/")[0] in NOT_HERE
        for node in self.document.findall(nodes.TextElement):
            if isinstance(node, nodes.Inline) and not isinstance(node, nodes.title):
                continue
            cell = self.env.docname in _MEASURED and isinstance(node.parent, nodes.entry)
            if elsewhere or cell or _said_by_the_program(node) or not is_prose(node.rawsource or node.astext()):
                node["translatable"] = False


def _said_by_the_program(node: nodes.Node) -> bool:
    """Whether it is a message that the doctor quotes, which nobody sees in another language."""
    parent = node.parent
    return isinstance(parent, nodes.block_quote)


class NoEmptyLastLine(SphinxTransform):
    """An example ends with an empty line for those who run it, which readers need not see."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Called by Sphinx for every document."""
        for node in self.document.findall(nodes.literal_block):
            text = node.astext().rstrip("\n")
            if node.rawsource == node.astext():
                node.rawsource = text
                node.children = [nodes.Text(text)]
