"""Teeth of the kernels' laws: sabotaged formulas and broken sources, run through kernels, must be noticed.

The kernels are interpreted here; that compiled ones obey the same laws is shown in `test_kernels_budget`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import pytest

import kernel_interpreter
import kernel_laws
from inputs import FEWEST, FUSED, WITNESSES, Setting, every
from kernel_mutants import Mutant, mutants
from lossary import kernels
from lossary.facts.record import Record
from lossary.facts.registry import enrol
from lossary.kernels.cpu import emit, run, store, target
from test_teeth import BUILTIN, dropped, loss_of, sabotages

SEEN = [setting.record for setting in WITNESSES]
IN_KERNELS = [setting.record for setting in FUSED if not setting.parameters]
Prepare = Callable[..., None]
# Of so many broken sources one is run: a few hundred of ten thousand.
STRIDE = 37


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Prepare]:
    """Makes the kernels of a record interpreted ones, perhaps with a broken source."""
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    for module in (emit, run):  # A few elements are several chunks, as millions are.
        monkeypatch.setattr(module, "CHUNK", 5)
    touched: dict[str, Record] = {}

    def prepare(record: Record, change: kernel_interpreter.Change = str) -> None:
        monkeypatch.setattr(store, "compiled", kernel_interpreter.compiler(change))
        touched[record.name] = next(original for original in BUILTIN if original.name == record.name)
        enrol(record)

    yield prepare
    for original in touched.values():
        enrol(original)


def test_the_interpreter_knows_every_name() -> None:
    assert kernel_interpreter.known() <= set(kernel_interpreter.namespace("float32"))


@pytest.mark.parametrize("setting", every(FUSED, FEWEST), ids=str)
def test_the_laws_hold_for_the_sources_as_they_are(setting: Setting, prepare: Prepare) -> None:
    prepare(setting.record)
    kernel_laws.battery(setting.configured(reduction="none"), setting)


@pytest.mark.parametrize("setting", every(FUSED, FEWEST), ids=str)
def test_the_laws_hold_for_long_rows(setting: Setting, prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "NARROW", 0)
    prepare(setting.record)
    kernel_laws.battery(setting.configured(reduction="none"), setting)


def plain(record: Record) -> Setting:
    """The setting of a record with its defaults."""
    return next(setting for setting in FUSED if setting.record.name == record.name and not setting.parameters)


@pytest.mark.parametrize(
    ("record", "sabotage"),
    [
        pytest.param(record, name, marks=() if record in SEEN else pytest.mark.exhaustive)
        for record in IN_KERNELS
        for name in sabotages(record)
    ],
    ids=lambda x: getattr(x, "name", None) or str(x),
)
def test_a_sabotaged_formula_is_noticed_in_kernels(record: Record, sabotage: str, prepare: Prepare) -> None:
    sabotaged = sabotages(record)[sabotage]()
    prepare(sabotaged)
    with pytest.raises(AssertionError):
        kernel_laws.battery(loss_of(sabotaged, reduction="none"), plain(record))


@pytest.mark.parametrize("setting", every(FUSED, FEWEST), ids=str)
def test_a_dropped_term_is_noticed_in_kernels(setting: Setting, prepare: Prepare) -> None:
    record = setting.record
    settings = record.defaults() | dict(setting.parameters)
    switches = {p.name: settings[p.name] for p in record.parameters if not p.is_number}
    for number, sabotaged in enumerate(dropped(record, switches)):
        prepare(sabotaged)
        try:
            kernel_laws.battery(loss_of(sabotaged, reduction="none", **setting.parameters), setting)
        except AssertionError:
            continue
        pytest.fail(f"dropping term {number} went unnoticed")


def sources(setting: Setting, prepare: Prepare) -> list[str]:
    """The source of every kernel of the setting that the laws use; a parameter that is off has another kernel."""
    seen: list[str] = []

    def keep(source: str) -> str:
        seen.append(source)
        return source

    prepare(setting.record, keep)
    for law in kernel_laws.LAWS:
        if law is not kernel_laws.parameters_reach_the_kernel:
            law(setting.configured(reduction="none"), setting)
    return list(dict.fromkeys(seen))


def survives(setting: Setting, source: str, mutant: Mutant, prepare: Prepare) -> bool:
    prepare(setting.record, lambda text: mutant.apply(text) if text == source else text)
    try:
        kernel_laws.battery(setting.configured(reduction="none"), setting)
    except Exception:  # A broken source may also fail to run at all.
        return False
    return True


@pytest.mark.usefixtures("row_length")
@pytest.mark.parametrize("setting", every(FUSED, FEWEST[:1]), ids=str)
def test_broken_sources_are_noticed(setting: Setting, prepare: Prepare) -> None:
    """Every one, but for those that `kernel_mutants.EQUIVALENT` says mean the same, with the reason."""
    found = [(source, mutant) for source in sources(setting, prepare) for mutant in mutants(source)]
    tried = [(source, mutant) for source, mutant in found if _drawn(setting, mutant) and not mutant.is_equivalent]
    assert found
    alive = [str(mutant) for source, mutant in tried if survives(setting, source, mutant, prepare)]
    assert not alive, "\n".join(alive)


def _drawn(setting: Setting, mutant: Mutant) -> bool:
    """Chosen by the text alone: a change elsewhere does not make others be drawn."""
    return zlib.crc32(f"{setting}: {mutant}".encode()) % STRIDE == 3
