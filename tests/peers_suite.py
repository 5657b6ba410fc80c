"""Every library that records name beside the tested ones, run: its values and gradients are those of the line.

`make peers` makes the environment for it.
"""

from __future__ import annotations

import pytest

from libraries.listed import NOT_RUN, PEERS
from peer import OWNERS, TESTED, assert_line


@pytest.mark.parametrize("name", PEERS)
def test_the_line_gives_the_peers_values_and_gradients(name: str) -> None:
    assert_line(name, PEERS[name])


def test_every_name_is_run_or_has_a_reason() -> None:
    known, named = {*PEERS, *NOT_RUN}, {peer for peer in OWNERS if peer.partition(".")[0] not in TESTED}
    assert sorted(named - known) == []
    assert sorted(known - named) == []
    assert not set(PEERS) & set(NOT_RUN)
