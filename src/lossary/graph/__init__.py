"""Tracing a formula, differentiating it, printing it as source."""

from ..facts.axes import ELEMENT, NUMBER, OTHER, PAIR, ROW, Axes
from .derivative import differentiate
from .emit import SPELLED, emit
from .node import Graph, Node, walk
from .rebuild import plain, rebuilt

__all__ = [
    "ELEMENT",
    "NUMBER",
    "OTHER",
    "PAIR",
    "ROW",
    "SPELLED",
    "Axes",
    "Graph",
    "Node",
    "differentiate",
    "emit",
    "plain",
    "rebuilt",
    "walk",
]
