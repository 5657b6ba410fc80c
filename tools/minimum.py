"""The oldest versions that pyproject.toml allows, as constraints for pip: ``make minimum`` installs and tests them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
_BOUND = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def constraints() -> list[str]:
    """One line per lower bound, of what is always needed and of every extra."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = sum(project["optional-dependencies"].values(), project["dependencies"])
    found = [match.groups() for match in map(_BOUND.fullmatch, wanted) if match]
    return sorted({f"{name}=={version}" for name, version in found})


if __name__ == "__main__":
    print("\n".join(constraints()))
