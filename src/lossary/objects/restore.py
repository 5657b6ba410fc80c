"""Losses from plain data: from names, and from what ``get_config`` returned."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .. import texts
from ..facts import registry
from ..facts.spelling import fold
from .loss import ENVELOPE, Loss, settings_of
from .written import written


def known(identifier: Any, parameters: Mapping[str, Any]) -> Loss | None:
    """The loss of a name, a configuration, or a function, class or object of ours; None for anything else."""
    made: Loss | None = None
    if isinstance(identifier, str):
        made = _named(identifier, parameters)
    elif isinstance(identifier, Mapping):
        made = _configured(identifier, parameters)
    elif isinstance(identifier, Loss):
        made = identifier.replaced(**parameters) if parameters else identifier
    elif inspect.isclass(identifier) and issubclass(identifier, Loss):
        made = identifier(**parameters)
    elif hasattr(identifier, "record") and hasattr(identifier, "cls"):
        made = identifier.cls(**parameters)
    return made


def _named(spelling: str, parameters: Mapping[str, Any]) -> Loss:
    """The loss of this name, which may be another library's for one of ours with settings."""
    made: Loss | None = None
    spelling = spelling.removeprefix("lossary.").removeprefix("losses.")
    if fold(spelling) not in registry.folded() and texts.peers.same(spelling) is None:
        made = written(texts.peers.exact(spelling) or "#")
    if made is None:
        made = _class_named(spelling)(**parameters)
    elif parameters:
        made = made.replaced(**parameters)
    return made


def _class_named(spelling: str) -> Any:
    """The class of the loss with this name, in any spelling."""
    canonical = registry.folded().get(fold(spelling)) or texts.peers.same(spelling)
    composed = registry.composed(spelling) if canonical is None else None
    if getattr(composed, "is_named", False):
        return composed
    if canonical is None:
        raise texts.unknown_loss(spelling, registry.folded(), fold)
    return registry.loss_class(canonical)


def _configured(config: Mapping[str, Any], parameters: Mapping[str, Any]) -> Loss:
    name = config.get("class_name", config.get("name"))
    if not isinstance(name, str):
        raise texts.not_a_loss(dict(config))
    kind = "class_name" if "class_name" in config else "name"
    inner, stray = {k: v for k, v in config.items() if k != kind}, config.keys() - ENVELOPE - {kind}
    if "config" in config:
        if stray:
            raise texts.stray_configuration(sorted(map(str, stray)))
        inner = config["config"]
    if isinstance(inner, Mapping) and "class_name" in inner:
        raise texts.not_a_configuration(inner)
    inner = settings_of(inner)
    own = name.rsplit(">", 1)[-1]
    cls = registry.composed(own) or _class_named(own)
    made: Loss = cls.from_config({**inner, **parameters})
    return made
