"""How losses are called: the names of classes, those of other libraries, and what counts as the same name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def camel(name: str) -> str:
    """``mean_squared_error`` -> ``MeanSquaredError``; a name with capitals stays as it is."""
    if name != name.lower():
        return name
    return "".join(part.capitalize() for part in name.split("_"))


def spelling(peer: str) -> str:
    """What a loss of another library is called there: ``torch.nn.HuberLoss`` -> ``HuberLoss``."""
    return peer.rsplit(".", 1)[-1]


def other_names(own: Sequence[str], aliases: Sequence[str], peers: Mapping[str, str]) -> tuple[str, ...]:
    """Aliases of a loss besides its own names: those given, and what other libraries call the same."""
    same = [spelling(peer) for peer, line in peers.items() if not line]
    return tuple(name for name in dict.fromkeys([*aliases, *same]) if name not in own)


def fold(name: str) -> str:
    """The form in which names are compared: no case, no separators."""
    return re.sub(r"[\s_\-]+", "", name).lower()
