"""CPU seconds of tests, children counted: ``python -m pytest -p tools.cpu_report``; wall times lie on a shared machine.

The last lines of the run name the dearest files and tests, and what starting and collecting took in all processes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHOWN = 25


def spent() -> float:
    """CPU seconds of this process, of its threads and of the children that it has waited for."""
    user, system, children_user, children_system, _ = os.times()
    return user + system + children_user + children_system


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Starts the clock."""
    item.stash[STARTED] = spent()
    return (yield)  # type: ignore[misc]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Stops it; properties travel with the report of the teardown."""
    result = yield
    item.user_properties.append(("cpu", spent() - item.stash[STARTED]))
    return result  # type: ignore[return-value]


STARTED = pytest.StashKey[float]()


class Report:
    """What the process that prints has heard."""

    def __init__(self) -> None:
        self.tests: Counter[str] = Counter()
        self.collecting: list[float] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One test has ended."""
        if report.when == "teardown":
            self.tests[report.nodeid] += dict(report.user_properties).get("cpu", 0.0)  # type: ignore[arg-type]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended."""
        self.collecting.append(getattr(node, "workeroutput", {}).get("collecting", 0.0))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The tables."""
        files: Counter[str] = Counter()
        for name, seconds in self.tests.items():
            files[name.partition("::")[0]] += seconds
        write = terminalreporter.write_line
        write(f"{sum(files.values()):9.1f} CPU s in {len(self.tests)} tests")
        write("      and " + ", ".join(f"{x:.1f}" for x in self.collecting or [COLLECTED[0]]) + " s to collect them")
        for counted in (files, self.tests):
            for name, seconds in counted.most_common(SHOWN):
                write(f"{seconds:9.1f} {name}")
        if path := os.environ.get("CPU_REPORT"):
            Path(path).write_text("".join(f"{seconds:.3f}\t{name}\n" for name, seconds in self.tests.most_common()))


COLLECTED = [0.0]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Everything so far was starting and collecting."""
    COLLECTED[0] = spent()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["collecting"] = COLLECTED[0]


def pytest_configure(config: pytest.Config) -> None:
    """Workers measure, the first process prints."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report())
