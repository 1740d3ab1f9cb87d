"""Every pair of state and event of every protocol, every act by either side, and the compiled stages.

These tests hold the tables against themselves. What FIPA says is in `tests/conformance/fipa`.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.core.machine import IllegalTransition, allowed, draw, step
from caxton_node.fipa import protocols
from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.protocols import PROTOCOLS, Protocol, Side, Stage, explain

pytestmark = [pytest.mark.story("005"), pytest.mark.story("011")]

Any_ = Protocol[Any, Any]
ACTS = list(product(Performative, Side))
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)


def states_of(protocol: Any_) -> list[Any]:
    return list(type(protocol.start))


def events_of(protocol: Any_) -> list[Any]:
    return list(type(next(event for _, event in protocol.transitions)))


def sides_of(protocol: Any_, event: StrEnum) -> frozenset[Side]:
    said_by = protocol.said_by.get(event, frozenset())
    return frozenset({said_by}) if isinstance(said_by, Side) else said_by


def reached_from(protocol: Any_, start: StrEnum) -> set[StrEnum]:
    reached, edge = {start}, [start]
    while edge:
        state = edge.pop()
        for event in allowed(protocol.transitions, state):
            after = protocol.transitions[state, event]
            if after not in reached:
                reached.add(after)
                edge.append(after)
    return reached


# -- tables -------------------------------------------------------------------------------------------------


@each_protocol
def test_every_pair_either_moves_as_the_table_says_or_is_refused_with_the_legal_moves(protocol: Any_) -> None:
    for state, event in product(states_of(protocol), events_of(protocol)):
        if (state, event) in protocol.transitions:
            assert protocol.step(state, event) is step(protocol.transitions, state, event)
            continue
        with pytest.raises(IllegalTransition) as caught:
            protocol.step(state, event)
        for legal in allowed(protocol.transitions, state):
            assert legal in caught.value.why


@each_protocol
def test_every_state_is_reached_every_event_used_and_every_way_ends(protocol: Any_) -> None:
    assert reached_from(protocol, protocol.start) == set(states_of(protocol))
    assert {event for _, event in protocol.transitions} == set(events_of(protocol))
    assert protocol.ends
    for state in states_of(protocol):
        assert reached_from(protocol, state) & protocol.ends
    assert draw(protocol.transitions).startswith("stateDiagram-v2")


@each_protocol
def test_the_table_holds_the_whole_diagram_and_the_exceptions_change_nothing_in_it(protocol: Any_) -> None:
    assert list(protocol.transitions.items())[: len(protocol.diagram)] == list(protocol.diagram.items())


@each_protocol
def test_an_end_is_never_left_again_and_everything_else_can_be(protocol: Any_) -> None:
    for (state, _), after in protocol.transitions.items():
        assert state not in protocol.ends or after in protocol.ends
    for state in states_of(protocol):
        left = [after for (source, _), after in protocol.transitions.items() if source is state is not after]
        assert protocol.is_final(state) or left


@each_protocol
def test_nothing_but_a_timeout_is_said_by_nobody(protocol: Any_) -> None:
    assert {event for event in events_of(protocol) if event not in protocol.said_by} <= {"timeout"}
    assert set(protocol.said_by) <= {act.word for act in Performative}


@each_protocol
def test_at_every_point_between_the_ends_talk_may_fail_and_not_be_understood(protocol: Any_) -> None:
    for state in states_of(protocol):
        if state is protocol.start or protocol.is_final(state):
            continue
        for act in (Performative.FAILURE, Performative.NOT_UNDERSTOOD):
            after = protocol.advance(state, act, Side.PARTICIPANT)
            assert after in protocol.ends, (state, act)


@each_protocol
def test_a_side_may_misunderstand_where_the_other_may_have_spoken_and_nowhere_else(protocol: Any_) -> None:
    heard: dict[Stage, set[Side]] = {}
    edge: list[tuple[Stage, frozenset[Side]]] = [(protocol.opening, frozenset())]
    seen = set(edge)
    while edge:
        stage, spoken = edge.pop()
        heard.setdefault(stage, set()).update(spoken)
        for side, moves in ((Side.INITIATOR, stage.initiator), (Side.PARTICIPANT, stage.participant)):
            for after in moves.values():
                if (after, spoken | {side}) not in seen:
                    seen.add((after, spoken | {side}))
                    edge.append((after, spoken | {side}))
    for stage, spoken_before in heard.items():
        if stage.is_final:
            continue
        says = {
            side
            for side, moves in ((Side.INITIATOR, stage.initiator), (Side.PARTICIPANT, stage.participant))
            if Performative.NOT_UNDERSTOOD in moves
        }
        assert says == {side.other for side in spoken_before}, stage


# -- cancelling ---------------------------------------------------------------------------------------------

CANCELLABLE = [protocol for protocol in PROTOCOLS.values() if protocol.is_cancellable]
each_cancellable = pytest.mark.parametrize("protocol", CANCELLABLE, ids=lambda protocol: protocol.name)


@each_cancellable
def test_the_initiator_may_cancel_at_every_point_before_the_end_but_not_twice(protocol: Any_) -> None:
    for state in states_of(protocol):
        is_open = state is not protocol.start and not protocol.is_final(state) and state != "cancelling"
        assert (protocol.advance(state, Performative.CANCEL, Side.INITIATOR) == "cancelling") is is_open
        assert protocol.advance(state, Performative.CANCEL, Side.PARTICIPANT) is None


@each_cancellable
def test_whatever_a_participant_might_say_crosses_a_cancel_without_fault(protocol: Any_) -> None:
    pending = protocol.stage(type(protocol.start)("cancelling"))
    for state in states_of(protocol):
        stage = protocol.stage(state)
        if stage.is_final or Performative.CANCEL not in stage.initiator:
            continue
        for act, after in stage.participant.items():
            crossed = pending.participant[act]
            if after.is_final:
                assert crossed.is_final, act  # who has ended the talk need not answer the cancel
                assert Performative.INFORM in crossed.participant  # but may


@each_cancellable
def test_a_cancel_that_meets_a_participant_who_has_just_ended_is_no_fault(protocol: Any_) -> None:
    for (state, act, side), after in protocol.moves.items():
        has_ended = protocol.is_final(after) and not protocol.is_final(state)
        if side is Side.PARTICIPANT and has_ended and state != "cancelling":
            assert protocol.advance(after, Performative.CANCEL, Side.INITIATOR) in protocol.ends, act


# -- acts and stages ----------------------------------------------------------------------------------------


@each_protocol
def test_an_act_moves_a_protocol_exactly_where_its_side_may_say_it(protocol: Any_) -> None:
    for state, (act, side) in product(states_of(protocol), ACTS):
        legal = [
            event
            for event in allowed(protocol.transitions, state)
            if event == act.word and side in sides_of(protocol, event)
        ]
        after = protocol.advance(state, act, side)
        if act is Performative.NOT_UNDERSTOOD and after is None:
            continue  # nothing that it could be about; who may say it where is tested above
        assert after == (protocol.transitions[state, legal[0]] if legal else None)


@each_protocol
def test_a_stage_says_what_the_table_says(protocol: Any_) -> None:
    for state in states_of(protocol):
        stage = protocol.stage(state)
        assert (stage.name, stage.is_final) == (state.value, protocol.is_final(state))
        for act, side in ACTS:
            after = protocol.advance(state, act, side)
            moves = stage.initiator if side is Side.INITIATOR else stage.participant
            assert moves.get(act) is (None if after is None else protocol.stage(after))


@each_protocol
def test_a_protocol_is_opened_by_its_initiator_alone(protocol: Any_) -> None:
    assert protocol.opening is protocol.stage(protocol.start)
    assert protocol.openers == frozenset(protocol.opening.initiator)
    assert protocol.openers
    assert not protocol.opening.participant


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(PROTOCOLS.values())), st.data())
def test_whoever_follows_the_stages_comes_to_an_end_and_stays_there(
    protocol: Any_, data: st.DataObject
) -> None:
    stage = protocol.opening
    for _ in range(30):
        moves = [*stage.initiator.values(), *stage.participant.values()]
        if not moves:
            break
        after = data.draw(st.sampled_from(moves))
        assert after.is_final or not stage.is_final
        stage = after
    assert moves or stage.is_final


def test_the_protocols_are_fipa_s_by_their_names_and_each_is_exported() -> None:
    assert list(PROTOCOLS) == [protocol.name for protocol in PROTOCOLS.values()]
    exported = [
        value for name in protocols.__all__ if isinstance(value := getattr(protocols, name), Protocol)
    ]
    assert {protocol.name for protocol in exported} == set(PROTOCOLS)
    for protocol in PROTOCOLS.values():
        assert protocol.name.startswith("fipa-")
        assert protocol.source.startswith("FIPA ")
        assert protocol.title.startswith("FIPA ")


# -- explanations -------------------------------------------------------------------------------------------


@each_protocol
def test_a_fault_is_explained_in_a_sentence_with_what_is_allowed_instead(protocol: Any_) -> None:
    for state, (act, side) in product(states_of(protocol), ACTS):
        stage = protocol.stage(state)
        if protocol.advance(state, act, side) is not None:
            continue
        violation = explain(protocol, stage, act, side)
        assert violation.rule.startswith(f"{protocol.name}: the {side} may not ")
        assert act.word in violation.rule
        assert violation.rule.endswith(f"({protocol.source})")
        assert act not in violation.allowed
        assert violation.allowed == (() if stage.is_final else in_table_order(protocol, state, side))


def in_table_order(protocol: Any_, state: Any, side: Side) -> tuple[Performative, ...]:
    acts = {act.word: act for act in Performative}
    events = [acts[event] for event in allowed(protocol.transitions, state) if event in acts]
    return tuple(act for act in events if protocol.advance(state, act, side) is not None)


@pytest.mark.parametrize(
    ("name", "state", "act", "side", "rule"),
    [
        (
            "fipa-request",
            "requested",
            Performative.PROPOSE,
            Side.PARTICIPANT,
            "fipa-request: the participant may not say propose once requested (FIPA SC00026H)",
        ),
        (
            "fipa-contract-net",
            "proposed",
            Performative.CFP,
            Side.INITIATOR,
            "fipa-contract-net: the initiator may not say cfp once proposed (FIPA SC00029H)",
        ),
        (
            "fipa-query",
            "start",
            Performative.REQUEST,
            Side.INITIATOR,
            "fipa-query: the initiator may not open with request (FIPA SC00027H)",
        ),
        (
            "fipa-query",
            "start",
            Performative.INFORM,
            Side.PARTICIPANT,
            "fipa-query: the participant may not say inform before the initiator has opened (FIPA SC00027H)",
        ),
        (
            "fipa-query",
            "answered",
            Performative.AGREE,
            Side.PARTICIPANT,
            "fipa-query: the participant may not say agree since the talk is over: answered (FIPA SC00027H)",
        ),
        (
            "fipa-english-auction",
            "leading",
            Performative.PROPOSE,
            Side.PARTICIPANT,
            "fipa-english-auction: the participant may not say propose while leading (FIPA XC00031F)",
        ),
    ],
)
def test_explanations_read_like_sentences(
    name: str, state: str, act: Performative, side: Side, rule: str
) -> None:
    protocol = PROTOCOLS[name]
    assert explain(protocol, protocol.stage(type(protocol.start)(state)), act, side).rule == rule


def test_a_stage_shows_its_name() -> None:
    assert repr(Stage("requested", is_final=False)) == "<Stage requested>"
