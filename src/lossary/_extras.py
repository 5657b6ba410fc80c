"""Optional dependencies, imported where they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import LossError


class MissingExtraError(LossError, ImportError):
    """An optional dependency is not installed; the message holds the line that installs it."""


def require(module: str, extra: str | None, purpose: str) -> Any:
    """The module, or a `MissingExtraError` that names the extra it comes with; None is a package of its own."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).split(".")[0]
        wanted = package if extra is None else f'"lossary[{extra}]"'
        raise MissingExtraError(
            f"{purpose} needs {package}, which is not installed. Install it with: pip install {wanted}"
        ) from None
