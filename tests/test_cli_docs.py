"""The page on the command line: what it shows is what the command prints."""

from __future__ import annotations

import os
import re
import shlex
from functools import partial
from pathlib import Path

import pytest

import cli_server
from inputs import few

PAGE = (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
STATUS = {"show hubr": 2, "show my": 2, "check": 1, "verify": 1, "--target unit ": 2}


def examples() -> list[tuple[str, str]]:
    """Command and shown output of every console block; an empty output is described in words."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in block.split("$ ")[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


# TensorFlow takes seconds to start.
@pytest.mark.parametrize(
    ("command", "shown"), few(lambda each: "tensorflow" not in each[0], examples()), ids=lambda text: text[:40]
)
def test_the_page_shows_what_the_command_prints(command: str, shown: str, tmp_path: Path) -> None:
    for name, language in (("preds.csv", "text"), ("my_losses.py", "python")):
        (tmp_path / name).write_text(re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1])
    program, *arguments = shlex.split(command)
    assert program == "lossary"
    clean = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = cli_server.command(arguments, clean, tmp_path)
    assert done.returncode == next((status for part, status in STATUS.items() if part in command), 0), done.stderr
    # Errors of rounding differ from one processor to the next.
    mask = partial(re.sub, r"\d\S*", "#") if " verify " in command else str
    if shown:
        assert mask(done.stdout + done.stderr) == mask(shown)


def test_there_are_examples() -> None:
    assert len(examples()) == 12
    assert sum(bool(shown) for _, shown in examples()) == 10
