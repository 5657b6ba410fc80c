"""What is shipped beside the code: the licence, and lower bounds that `make minimum` installs."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

from tools import minimum

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_licence_that_is_named_is_there_and_shipped() -> None:
    assert PROJECT["license"] == "MIT"
    for name in PROJECT["license-files"]:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.startswith("MIT License\n\nCopyright (c) ")
        assert "The lossary authors" in text


def test_everything_that_users_install_has_a_lower_bound() -> None:
    extras = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in ("dev", "peers")}
    wanted = {line for lines in (PROJECT["dependencies"], *extras.values()) for line in lines if "lossary" not in line}
    assert {line.replace(">=", "==") for line in wanted} == set(minimum.constraints())


def test_the_python_versions_that_are_named_reach_from_the_oldest() -> None:
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: Python :: 3." in line]
    assert f">={named[0]}" == PROJECT["requires-python"]
    assert {"3.12", "3.13"} <= set(named)


def test_the_tests_of_the_oldest_versions_are_there() -> None:
    plan = subprocess.run(["make", "-n", "minimum"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"tests/\S+", plan)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).is_file()] == []
