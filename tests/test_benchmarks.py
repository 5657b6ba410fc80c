"""The benchmarks run, compare like with like, and report what is slower as plainly as what is faster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks import check, compare, measure, memory, report, run
from benchmarks.cases import CASES, ROWS
from benchmarks.worker import WorkerError

from inputs import SETTINGS

FACTS = report.machine(2) | {"load when started": 0.5}


def result(shape: tuple[int, int] = (65536, 64), **milliseconds: float) -> dict[str, Any]:
    seconds = {name.replace("_", " "): {"min": ms / 1e3, "median": ms / 1e3} for name, ms in milliseconds.items()}
    return {"loss": "huber", "shape": list(shape), "seconds": seconds}


@pytest.mark.costly
def test_a_short_run_writes_all_three_files(tmp_path: Path) -> None:
    arguments = ["--quick", "--only", "huber", "--shape", "32x10,4096x64", "--stacks", "numpy,jax"]
    run.main([*arguments, "--budget", "0.05", "--out", str(tmp_path)])
    data = json.loads((tmp_path / "benchmarks.json").read_text())
    assert data["machine"]["packages"]["numpy"] == np.__version__
    assert [found["shape"] for found in data["results"]] == [[32, 10], [4096, 64]]
    for found in data["results"]:
        assert set(found["seconds"]) == {"stream", "lossary numpy", "lossary jax", "optax", "keras jax"}
        for times in found["seconds"].values():
            assert 1e-7 < times["min"] <= times["median"] < 10.0
    page = (tmp_path / "benchmarks.md").read_text()
    assert "## 32 x 10" in page
    assert "## 4096 x 64" in page
    assert (tmp_path / "benchmarks.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_measured_is_there_and_measured_once() -> None:
    measured = {(case.name, case.from_logits) for case in CASES}
    assert measured <= {(setting.record.name, bool(setting.parameters)) for setting in SETTINGS}
    assert len(CASES) == len(measured)
    softmax = [case.label for case in CASES if set(ROWS) <= set(case.shapes)]
    assert softmax == ["categorical_crossentropy (logits)", "sparse_categorical_crossentropy (logits)"]


def test_a_peer_that_computes_something_else_is_an_error() -> None:
    values = {"lossary numpy": 1.0, "torch": 1.0004, "optax": 0.9997}
    measure.disagreement("huber", values)
    for wrong in (0.5, 1.01, float("nan")):
        with pytest.raises(AssertionError, match="keras jax"):
            measure.disagreement("huber", values | {"keras jax": wrong})


def test_the_error_of_a_worker_arrives() -> None:
    with measure.staffed(["nothing_of_this_name"]) as (worker,), pytest.raises(WorkerError, match="nothing_of_this_na"):
        worker.ask("turn", "x", 0.0)


def test_ratios_and_limits() -> None:
    found = result(stream=2, lossary_numpy=4, lossary_torch=5, torch=20, keras_torch=10, optax=6, keras_tf=3)
    assert compare.limit(found, "NumPy") == pytest.approx(0.5)
    assert compare.limit(found, "JAX") is None
    assert compare.ratio(found, "NumPy") == pytest.approx(3 / 4)
    assert compare.ratio(found, "PyTorch") == pytest.approx(2.0)
    assert compare.fastest(found, "PyTorch") == ("keras torch", pytest.approx(0.010))
    assert compare.ratio(found, "JAX") is None


def test_the_page_marks_faster_slower_and_the_fastest_peer() -> None:
    found = result(stream=2, lossary_numpy=4, sklearn=9, lossary_torch=20, torch=10, lossary_jax=8, optax=8)
    page = report.markdown({"machine": FACTS, "results": [found]})
    compared, times = (line for line in page.splitlines() if line.startswith("| huber"))
    assert compared == "| huber | 50%, ▲ 2x optax | 10%, ▼ 0.5x torch | 25%, ≈ 1x optax | - |"
    assert times == "| huber | 2 | 4 | **9** | 20 | **10** | 8 | **8** |"
    numpy, torch = "▲ 1, ≈ 0, ▼ 0; median 2x, ▲ 2x to ▲ 2x", "▲ 0, ≈ 0, ▼ 1; median 0.5x, ▼ 0.5x to ▼ 0.5x"
    assert f"| 65536 x 64 | {numpy} | {torch} | ▲ 0, ≈ 1, ▼ 0; median 1x, ≈ 1x to ≈ 1x |  |" in page


def test_first_calls_and_memory_stand_on_the_page() -> None:
    more = {"import": 0.125, "first": {"lossary numpy": {"32 x 10": 0.5}}, "memory": {"huber": {"lossary numpy": 1.0}}}
    page = report.markdown({"machine": FACTS, "results": [result(stream=1, lossary_numpy=2)], **more})
    assert "takes 0.12 s" in page or "takes 0.13 s" in page
    assert "| lossary numpy | 0.5 |" in page
    assert "| lossary numpy | 1.00 |" in page


@pytest.mark.skipif(not memory.available(), reason="only Linux resets the peak of a process")
@pytest.mark.costly
def test_peak_memory_is_that_of_the_call() -> None:
    size = 64 << 20
    assert memory.peak(lambda: np.ones(size, np.uint8).sum()) == pytest.approx(size, rel=0.05)
    assert memory.peak(lambda: [np.ones(size, np.uint8) for _ in range(2)]) == pytest.approx(2 * size, rel=0.05)
    assert memory.peak(lambda: None) < 0.05 * size


@pytest.mark.costly
def test_first_calls_are_each_the_first_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    class Counted(measure.Worker):
        """Tells which process was asked for whose first call."""

        def ask(self, method: str, *args: Any) -> Any:
            if method == "first":
                asked.append((id(self), str(args[-1])))
                kept.append(self)
            return super().ask(method, *args)

    kept: list[Any] = []
    monkeypatch.setattr(measure, "Worker", Counted)
    found = measure.first_calls(["numpy"], CASES[0], [((32, 10), False)], compiled=False)
    assert set(found) == {"lossary numpy", "sklearn"}
    assert all(0 < seconds["32 x 10"] < 60 for seconds in found.values())
    assert sorted(name for _, name in asked) == ["lossary numpy", "sklearn"]
    assert len({process for process, _ in asked}) == 2


def test_an_unknown_framework_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(["--stacks", "numpy,theano"])
    assert "no framework is called theano" in capsys.readouterr().err


def test_a_third_more_time_beside_the_same_peer_is_a_loss_of_speed() -> None:
    before = result(lossary_torch=10, torch=20, torch_compile=5, lossary_numpy=4, sklearn=8)
    assert check.slower(before, result(lossary_torch=13, torch=20, lossary_numpy=4, sklearn=8)) == []
    assert check.slower(before, result(lossary_torch=14, torch=20, lossary_numpy=4, sklearn=8)) == ["PyTorch"]
    # Twice the seconds for everyone is a slower machine; a peer that was not measured says nothing.
    assert check.slower(before, result(lossary_torch=20, torch=40, lossary_numpy=8, sklearn=16)) == []
    assert check.slower(before, result(lossary_torch=99)) == []
    # A peer that became faster shows in the same way.
    assert check.slower(before, result(lossary_torch=10, torch=14, lossary_numpy=4, sklearn=5.9)) == [
        "NumPy",
        "PyTorch",
    ]


def test_what_seems_slower_is_measured_again_for_longer() -> None:
    before = result(shape=(32, 10), lossary_numpy=4, sklearn=8)
    slow, fast = result(lossary_numpy=8, sklearn=8), result(lossary_numpy=4.5, sklearn=8)

    def told(*answers: Any) -> tuple[list[str], list[int]]:
        given, longer = iter(answers), []

        def again(case: Any, shape: Any, more: int) -> Any:
            assert (case.label, shape) == ("huber", (32, 10))
            longer.append(more)
            return next(given)

        return list(check.complaints([before], again)), longer

    assert told(fast) == ([], [1])
    assert told(slow, fast) == ([], [1, check.LONGER])
    lines, longer = told(slow, slow)
    assert longer == [1, check.LONGER]
    assert lines == ["huber at 32 x 10 on NumPy: 1 times as fast as sklearn, where 2 is stored"]


@pytest.mark.costly
def test_the_check_runs_and_fails_where_speed_was_lost(tmp_path: Path) -> None:
    stored = tmp_path / "benchmarks.json"
    arguments = ["--stacks", "numpy", "--shape", "32x10", "--budget", "0.02", "--stored", str(stored)]
    for sklearn, fails in ((1e-9, False), (1e9, True)):
        found = result(shape=(32, 10), lossary_numpy=1, sklearn=sklearn) | {"loss": "mean_squared_error"}
        stored.write_text(json.dumps({"results": [found, result(shape=(4096, 64))]}))
        if fails:
            with pytest.raises(SystemExit, match="mean_squared_error at 32 x 10 on NumPy"):
                check.main(arguments)
        else:
            check.main(arguments)
