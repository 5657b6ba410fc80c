"""One score from many processes: the same bits as from one, whatever becomes of the workers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from inputs import few
from lossary import LossError
from lossary.scoring import FileError, _dask, _score, connected, score
from test_cli import told

distributed = pytest.importorskip("distributed")

ROWS = 40_000
COLUMNS: dict[str, Any] = {"target": "y", "prediction": "p", "weight": "w", "by": "shop"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two processes, and a nanny each, which starts a new one where one dies."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(11)
    columns = {name: rng.normal(size=ROWS) * 10.0 ** rng.integers(-9, 9, ROWS) for name in "yp"}
    whole = pa.table(columns | {"w": rng.uniform(size=ROWS), "shop": rng.choice(["a", "b", "c"], ROWS)})
    folder = tmp_path_factory.mktemp("parts")
    for i in range(4):
        pq.write_table(whole.slice(i * ROWS // 4, ROWS // 4), folder / f"part-{i}.parquet", row_group_size=1000)
    return folder


@pytest.mark.parametrize("fused_from", few(bool, [0, 1 << 21]))
def test_a_cluster_gives_the_bits_of_one_process_though_a_worker_is_killed(
    cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, fused_from: int
) -> None:
    monkeypatch.setattr(_score, "FUSED_FROM", fused_from)
    monkeypatch.setattr(_dask, "TASK_BYTES", 15_000)
    one = score(folder / "part-*.parquet", ["mse", "log_cosh"], **COLUMNS)
    done: list[float] = []
    before = dict(cluster.run(os.getpid))

    def kill(part: float) -> None:
        done.append(part)
        if len(done) == 3:
            os.kill(next(iter(before.values())), signal.SIGKILL)

    many = score(folder / "part-*.parquet", ["mse", "log_cosh"], **COLUMNS, rows=50, client=cluster, progress=kill)
    assert len(done) == 40
    assert many == one
    assert many.rows_read == ROWS
    cluster.wait_for_workers(2)
    assert set(cluster.run(os.getpid).values()) != set(before.values())


def test_batches_of_an_arrow_file_are_tasks_of_their_own(
    cluster: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_dask, "TASK_BYTES", 40_000)
    table, done = pq.read_table(folder / "part-0.parquet"), []
    feather.write_feather(table, tmp_path / "a.feather", chunksize=1000)
    many = score(tmp_path / "a.feather", ["mse"], **COLUMNS, client=cluster, progress=done.append)
    assert len(done) > 4
    assert replace(many, source="") == replace(score(folder / "part-0.parquet", ["mse"], **COLUMNS), source="")
    y = np.where(np.arange(ROWS // 4) == 7003, -1.0, 1.0)
    feather.write_feather(pa.table({"y": y, "p": np.ones_like(y)}), tmp_path / "b.feather", chunksize=1000)
    with pytest.raises(LossError, match=r"row 7003|y_true\[7003") as error:
        score(tmp_path / "b.feather", ["poisson"], target="y", prediction="p", client=cluster)
    assert "b.feather" in str(error.value)


@pytest.mark.costly
def test_the_command_line_and_a_loss_of_ones_own(cluster: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def cubes(y_true, y_pred):\n    return abs(y_pred - y_true) ** 3\n")
    (tmp_path / "empty.csv").write_text("")
    files = [str(folder / "part-*.parquet"), str(tmp_path / "empty.csv")]
    options = ["-l", f"{tmp_path}/own.py:cubes", "-l", "mse", "-t", "y", "-p", "p", "--by", "shop", "--json"]
    address = cluster.scheduler.address
    assert told("score", *files, *options) == told("score", *files, *options, "--dask", address)


@pytest.mark.costly
def test_what_goes_wrong_on_a_worker_is_told_as_here(cluster: Any, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,p\n1,1\n2,-3\n")
    pq.write_table(pa.table({"y": [1.0], "p": [1.0]}), tmp_path / "b.parquet")
    said = []
    for client in (None, cluster):
        with pytest.raises(LossError, match=r"y_pred\[1, 0\] is -3; .*a\.csv") as error:
            score(tmp_path / "*", ["poisson"], target="y", prediction="p", client=client)
        said.append((type(error.value), str(error.value)))
    assert said[0] == said[1]
    with pytest.raises(FileError, match=r"the pyarrow Table is in this process alone"):
        score(pa.table({"y": [1.0], "p": [1.0]}), ["mse"], target="y", prediction="p", client=cluster)


@pytest.mark.costly
def test_no_scheduler_and_no_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dask, "TIMEOUT", 0.2)
    with pytest.raises(FileError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9.*dask scheduler"):
        connected("tcp://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LossError, match=r'needs distributed, .*pip install "lossary\[dask\]"'):
        connected("tcp://127.0.0.1:9")
