"""Every pair of state and event of the protocol tables, and every act by either side."""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from caxton_node.core.machine import IllegalTransition, allowed, draw, step
from caxton_node.fipa.conversation import (
    BID_TRANSITIONS,
    CONTRACT_NET,
    PROTOCOLS,
    REQUEST,
    REQUEST_TRANSITIONS,
    BidEvent,
    BidState,
    Protocol,
    RequestEvent,
    RequestState,
    Side,
)
from caxton_node.fipa.performatives import Performative

pytestmark = pytest.mark.story("011")

Table = dict[tuple[StrEnum, StrEnum], StrEnum]
MACHINES: list[tuple[Table, type[StrEnum], type[StrEnum]]] = [
    (REQUEST_TRANSITIONS, RequestState, RequestEvent),  # type: ignore[list-item]  # each table has its own enums
    (BID_TRANSITIONS, BidState, BidEvent),  # type: ignore[list-item]  # as above
]
PAIRS = [
    (table, state, event) for table, states, events in MACHINES for state, event in product(states, events)
]


@pytest.mark.parametrize(("table", "state", "event"), PAIRS)
def test_every_pair_either_moves_as_the_table_says_or_is_refused_with_the_legal_moves(
    table: Table, state: StrEnum, event: StrEnum
) -> None:
    if (state, event) in table:
        assert step(table, state, event) is table[state, event]
        return
    with pytest.raises(IllegalTransition) as caught:
        step(table, state, event)
    for legal in allowed(table, state):
        assert legal in caught.value.why


@pytest.mark.parametrize(("table", "states", "events"), MACHINES)
def test_every_state_is_reached_every_event_used_and_every_way_ends(
    table: Table, states: type[StrEnum], events: type[StrEnum]
) -> None:
    start = next(iter(states))
    reached, edge = {start}, [start]
    while edge:
        state = edge.pop()
        for event in allowed(table, state):
            after = table[state, event]
            if after not in reached:
                reached.add(after)
                edge.append(after)
    assert reached == set(states)
    assert {event for _, event in table} == set(events)
    ends = {state for state in states if not allowed(table, state)}
    assert ends
    for state in states:
        assert _leads_to(table, state, ends)
    assert draw(table).startswith("stateDiagram-v2")


def _leads_to(table: Table, start: StrEnum, ends: set[StrEnum]) -> bool:
    seen: set[StrEnum] = set()
    edge = [start]
    while edge:
        state = edge.pop()
        if state in ends:
            return True
        if state not in seen:
            seen.add(state)
            edge.extend(table[state, event] for event in allowed(table, state))
    return False


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
@pytest.mark.parametrize("act", Performative)
@pytest.mark.parametrize("side", Side)
def test_an_act_moves_a_protocol_exactly_where_its_side_may_say_it(
    protocol: Protocol[Any, Any], act: Performative, side: Side
) -> None:
    for state in type(protocol.start):
        legal = [
            event
            for event in allowed(protocol.transitions, state)
            if event == act.word and protocol.said_by.get(event) is side
        ]
        after = protocol.advance(state, act, side)
        assert after == (protocol.transitions[state, legal[0]] if legal else None)


def test_only_timeouts_are_said_by_nobody() -> None:
    assert set(RequestEvent) - set(REQUEST.said_by) == {RequestEvent.TIMEOUT}
    assert set(BidEvent) - set(CONTRACT_NET.said_by) == {BidEvent.TIMEOUT}
