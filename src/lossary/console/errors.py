"""What a command says when it cannot be carried out."""

from __future__ import annotations

from ..errors import LossError


class UsageError(LossError):
    """A command line that cannot be carried out as it is written."""
