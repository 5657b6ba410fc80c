"""Tracing a formula, differentiating it, printing it as source."""

from .derivative import differentiate
from .emit import emit
from .node import Graph, Kind, Node, walk

__all__ = ["Graph", "Kind", "Node", "differentiate", "emit", "walk"]
