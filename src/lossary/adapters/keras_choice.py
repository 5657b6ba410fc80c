"""Which of its backends Keras starts with when nobody has chosen one."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

# Keras's own default stands first: with TensorFlow installed nothing changes.
INSTALLABLE = ("tensorflow", "jax", "torch")


def choose() -> None:
    """Sets ``KERAS_BACKEND`` to an installed library if Keras would otherwise start with one that is absent.

    An explicit choice stays as it is: the environment variable, or another backend than TensorFlow in ``keras.json``.
    (TensorFlow there is no choice: Keras writes that file by itself, with its default.)
    """
    if "keras" in sys.modules or "KERAS_BACKEND" in os.environ or _configured() != "tensorflow":
        return
    for name in INSTALLABLE:
        if find_spec(name) is not None:
            os.environ["KERAS_BACKEND"] = name
            return


def _configured() -> str:
    """The backend that ``keras.json`` names, or Keras's default."""
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(path.read_text()).get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError):
        return "tensorflow"
