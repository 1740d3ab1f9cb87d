"""Machines are tables; these tests step a small one and draw it."""

from enum import StrEnum

import pytest

from caxton_node.core.machine import IllegalTransition, allowed, draw, step


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"


class Act(StrEnum):
    CLOSE = "close"
    OPEN = "open"
    LOCK = "lock"


TABLE = {
    (Door.OPEN, Act.CLOSE): Door.SHUT,
    (Door.SHUT, Act.OPEN): Door.OPEN,
    (Door.SHUT, Act.LOCK): Door.LOCKED,
}


def test_a_legal_move_returns_the_next_state():
    assert step(TABLE, Door.OPEN, Act.CLOSE) is Door.SHUT


@pytest.mark.parametrize(("state", "act"), [(s, a) for s in Door for a in Act if (s, a) not in TABLE])
def test_every_move_outside_the_table_is_refused_and_names_the_legal_ones(state, act):
    with pytest.raises(IllegalTransition) as refusal:
        step(TABLE, state, act)
    for legal in allowed(TABLE, state):
        assert legal in refusal.value.why


def test_a_final_state_says_that_nothing_is_possible():
    with pytest.raises(IllegalTransition, match="final state"):
        step(TABLE, Door.LOCKED, Act.OPEN)


def test_the_drawing_has_a_line_for_each_move():
    drawing = draw(TABLE).splitlines()
    assert drawing[0] == "stateDiagram-v2"
    assert "    shut --> locked: lock" in drawing
    assert len(drawing) == 1 + len(TABLE)
