"""Tracing a formula, differentiating it, printing it as source."""

from ..facts.axes import ELEMENT, NUMBER, OTHER, PAIR, ROW, Axes
from .derivative import differentiate
from .emit import SPELLED, emit
from .node import Graph, Node, walk

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
    "walk",
]
