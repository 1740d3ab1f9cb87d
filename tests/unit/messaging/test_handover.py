"""An agent leaves: what it keeps, what its successor gets, and what goes elsewhere."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative, encode
from caxton_node.messaging import Mailbox
from caxton_node.messaging.conversations import Conversation
from caxton_node.messaging.destinations import Destinations, LocalAgent
from caxton_node.messaging.handover import KEYS_MAX, Handover
from caxton_node.messaging.routes import RouteTable, Target, choose
from tests.support.post_office import NODE, PostOffice, empty, failure_of

pytestmark = pytest.mark.story("003")
OLD, NEW = f"worker#1.1@{NODE}", f"worker#1.2@{NODE}"


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def ask(office: PostOffice, sender: str, receiver: str, talk: str | None) -> None:
    """Let an agent, `name#version` or its name, send a REQUEST of a protocol."""
    instance = f"{sender if '#' in sender else f'{sender}#1.1'}@{NODE}"
    request = Envelope(Performative.REQUEST, None, receiver, b'"?"', talk, "r-1", protocol="fipa-request")
    office.router.accept(instance, [encode(request)])


def answer(office: PostOffice, sender: str, receiver: str, talk: str | None) -> None:
    office.say(
        sender,
        Envelope(Performative.INFORM, None, receiver, b'"!"', talk, None, "r-1", protocol="fipa-request"),
    )


def refusals(box: Mailbox) -> list[str]:
    return [failure_of(got)["reason"] for got in empty(box) if got.performative is Performative.FAILURE]


class TestWhatItBegins:
    @pytest.mark.parametrize("talk", ["c2", None], ids=["in a conversation", "without one"])
    @pytest.mark.parametrize("replaced", [True, False], ids=["successor", "none"])
    async def test_an_answer_comes_to_the_one_that_asked_while_it_was_leaving(
        self, office: PostOffice, talk: str | None, replaced: bool
    ) -> None:
        old, b = office.open("worker"), office.open("b")
        new = office.open("worker", number=2)
        office.router.departures.begin(OLD, NEW if replaced else None)
        ask(office, "worker", "b", talk)
        answer(office, "b", f"worker@{NODE}", talk)
        assert [got.content for got in empty(old)] == [b'"!"']
        assert (len(empty(b)), len(new)) == (1, 0)
        office.check_sum()

    async def test_an_answer_from_another_node_comes_to_the_one_that_asked(self, office: PostOffice) -> None:
        old, new = office.open("worker"), office.open("worker", number=2)
        office.route("b", "node-2")
        office.router.departures.begin(OLD, NEW)
        office.tell("worker", "b")
        reply = Envelope(Performative.INFORM, "b@node-2", f"worker@{NODE}", b"!")
        office.router.accept_remote("node-2", [encode(reply)])
        assert (len(empty(old)), len(new)) == (1, 0)

    async def test_it_is_not_finished_before_what_it_began_has_ended(self, office: PostOffice) -> None:
        old = office.open("worker")
        office.open("b")
        handover = office.router.departures.begin(OLD)
        assert office.router.departures.is_finished(handover)
        ask(office, "worker", "b", "c2")
        assert not office.router.departures.is_finished(handover)
        answer(office, "b", f"worker@{NODE}", "c2")
        assert not office.router.departures.is_finished(handover), "the answer waits"
        empty(old)
        assert office.router.departures.is_finished(handover)

    async def test_what_the_successor_begins_is_its_own(self, office: PostOffice) -> None:
        old, new = office.open("worker"), office.open("worker", number=2)
        office.open("b")
        office.router.departures.begin(OLD, NEW)
        ask(office, "worker#1.2", "b", "c3")
        answer(office, "b", f"worker@{NODE}", "c3")
        assert (len(old), len(empty(new))) == (0, 1)

    async def test_what_goes_nowhere_is_no_obstacle(self, office: PostOffice) -> None:
        old = office.open("worker")
        office.router.departures.begin(OLD)
        office.router.accept(OLD, [b"\xc1", encode(Envelope(Performative.INFORM, None, "?", b""))])
        assert refusals(old) == []
        office.check_sum()

    def test_what_is_kept_has_a_bound(self) -> None:
        leaving, successor = Mailbox(1), Mailbox(1)
        handover = Handover(leaving, successor)
        handover.divide(["first"], lambda _frame: "")
        handover.keep_also([f"talk-{number}" for number in range(KEYS_MAX)])
        assert handover.find_side("first") == (handover, True)
        assert handover.find_side("talk-0") == (handover, True)
        assert handover.find_side(f"talk-{KEYS_MAX - 1}") == (successor, False)


class TestWhatTheSuccessorIsIn:
    @pytest.mark.parametrize("talk", ["shared", None], ids=["a conversation", "a sender without one"])
    async def test_a_conversation_that_its_successor_was_given_is_not_drawn_back(
        self, office: PostOffice, talk: str | None
    ) -> None:
        office.open("b")
        old, new = office.open("worker"), office.open("worker", number=2)
        office.router.departures.begin(OLD, NEW)
        office.tell("b", "worker", b"1", conversation_id=talk)
        office.tell("worker", "b", b"the old one joins in", conversation_id=talk)
        office.tell("b", "worker", b"2", conversation_id=talk)
        assert len(old) == 0
        assert [got.content for got in empty(new)] == [b"1", b"2"]

    async def test_it_is_not_awaited_either(self, office: PostOffice) -> None:
        office.open("b")
        office.open("worker")
        office.open("worker", number=2)
        handover = office.router.departures.begin(OLD, NEW)
        ask(office, "b", "worker", "shared")
        office.tell("worker", "b", conversation_id="shared")
        assert office.router.departures.is_finished(handover)

    async def test_what_another_node_was_given_may_still_become_its_own(self, office: PostOffice) -> None:
        office.open("b")
        old, new = office.open("worker"), office.open("worker", number=2)
        office.route("worker", "node-2")
        office.router.departures.begin(OLD, NEW)
        office.tell("b", "worker", b"1", conversation_id="shared")
        office.tell("worker", "b", conversation_id="shared")
        office.tell("b", f"worker@{NODE}", b"2", conversation_id="shared")
        assert (len(office.mesh.sent), len(old), len(new)) == (1, 1, 0)

    def test_what_comes_before_the_division_is_nobodys(self) -> None:
        leaving, successor = Mailbox(1), Mailbox(1)
        handover = Handover(leaving, successor)
        assert handover.give("talk") is leaving
        handover.divide([], lambda _frame: "")
        handover.keep_also(["talk"])
        assert handover.give("talk") is handover

    def test_once_more_was_given_than_can_be_remembered_nothing_is_drawn_back(self) -> None:
        successor = Mailbox(1)
        handover = Handover(Mailbox(1), successor)
        handover.divide(["kept"], lambda _frame: "")
        for number in range(KEYS_MAX + 1):
            assert handover.give(f"talk-{number}") is successor
        handover.keep_also([f"talk-{KEYS_MAX}", "new", "kept"])
        assert handover.find_side(f"talk-{KEYS_MAX}") == (successor, False)
        assert handover.find_side("new") == (successor, False)
        assert handover.find_side("kept") == (handover, True)


class TestLooking:
    async def test_is_finished_looks_at_no_other_conversations(self, office: PostOffice) -> None:
        office.open("worker")
        office.open("b")
        ask(office, "worker", "b", "c1")
        handover = office.router.departures.begin(OLD)

        def scan(address: str) -> list[Conversation]:
            raise AssertionError(f"all conversations are searched for {address}")

        office.router.conversations.open_of = scan  # type: ignore[method-assign]
        assert not office.router.departures.is_finished(handover)

    def test_a_conversation_that_has_ended_is_looked_at_once_and_kept_all_the_same(self) -> None:
        handover = Handover(Mailbox(1), None)
        handover.divide(["a", "b"], lambda _frame: "")
        looks: list[str] = []
        still_open = {"a"}

        def is_open(key: str) -> bool:
            looks.append(key)
            return key in still_open

        for _ in range(3):
            assert not handover.is_done(is_open)
        assert looks.count("b") <= 1
        still_open.clear()
        assert handover.is_done(is_open)
        looks.clear()
        assert handover.is_done(is_open)
        assert looks == []
        assert handover.find_side("b") == (handover, True)

    def test_a_conversation_in_which_it_sends_again_is_looked_at_again(self) -> None:
        handover = Handover(Mailbox(1), None)
        handover.divide(["a"], lambda _frame: "")
        assert handover.is_done(lambda _key: False)
        handover.keep_also(["a"])
        assert not handover.is_done(lambda _key: True)

    async def test_nobody_waits_while_open_conversations_are_searched(self, office: PostOffice) -> None:
        office.open("a")
        old, new = office.open("worker"), office.open("worker", number=2)
        office.routes.replace("default/worker", [Target(OLD, NODE)])
        table, stuck = office.router.conversations, []
        search = table.open_of

        def search_while_others_send(address: str) -> list[Conversation]:
            teller = threading.Thread(target=office.tell, args=("a", "worker"), daemon=True)
            teller.start()
            teller.join(2)
            stuck.append(teller.is_alive())
            return search(address)

        table.open_of = search_while_others_send  # type: ignore[method-assign]
        office.router.departures.begin(OLD, NEW)
        assert stuck == [False]
        office.tell("a", "worker", b"second")
        assert [got.content for got in empty(old)] == [b"hi", b"second"], "what waits is kept"
        assert len(new) == 0


class TestOtherNodes:
    async def test_a_name_that_runs_elsewhere_too_is_not_hijacked(self, office: PostOffice) -> None:
        office.open("a", depth=1_000)
        old, new = office.open("worker", depth=1_000), office.open("worker", depth=1_000, number=2)
        office.routes.replace("default/worker", [Target(OLD, NODE), Target("worker#1.1@node-2", "node-2")])
        route = office.routes.targets("default/worker")
        mine = [talk for talk in map(str, range(60)) if choose(route, talk) is route[0]]
        office.tell("a", "worker", conversation_id=mine[0])
        office.router.departures.begin(OLD, NEW)
        for talk in map(str, range(60)):
            office.tell("a", "worker", conversation_id=talk)
        assert 0 < len(mine) < 60
        assert {got.conversation_id for got in empty(old)} == {mine[0]}
        assert {got.conversation_id for got in empty(new)} == set(mine[1:])
        assert {talk.conversation_id for _, _, talk in office.mesh.sent} == set(map(str, range(60))) - set(
            mine
        )

    async def test_without_a_successor_new_conversations_go_where_the_name_still_runs(
        self, office: PostOffice
    ) -> None:
        a, old = office.open("a"), office.open("worker")
        ask(office, "a", "worker", "c1")
        office.routes.replace("default/worker", [Target("worker#1.1@node-2", "node-2")])
        office.router.departures.begin(OLD)
        office.tell("a", "worker", conversation_id="c1")
        office.tell("a", "worker", conversation_id="new")
        arrived = Envelope(Performative.INFORM, "far@node-3", "worker", b"", "newer")
        office.router.accept_remote("node-3", [encode(arrived)])
        assert [got.conversation_id for got in empty(old)] == ["c1", "c1"]
        assert [(node, got.conversation_id) for node, _, got in office.mesh.sent] == [
            ("node-2", "new"),
            ("node-2", "newer"),
        ]
        office.tell("a", f"worker@{NODE}", conversation_id="pinned")
        assert refusals(a) == ["draining"]
        office.check_sum()

    async def test_a_pinned_address_stays_here_with_the_successor(self, office: PostOffice) -> None:
        office.open("a")
        old, new = office.open("worker"), office.open("worker", number=2)
        office.routes.replace("default/worker", [Target("worker#1.1@node-2", "node-2")])
        office.router.departures.begin(OLD, NEW)
        office.tell("a", f"worker@{NODE}", conversation_id="pinned")
        assert (len(old), len(empty(new)), office.mesh.sent) == (0, 1, [])


class TestEnd:
    async def test_the_end_of_one_handover_does_not_end_another_of_the_name(self, office: PostOffice) -> None:
        a = office.open("a")
        office.open("worker")
        office.open("worker", number=2)
        first = office.router.departures.begin(OLD, NEW)
        office.router.departures.begin(NEW)
        office.router.departures.end(OLD, first)
        office.tell("a", "worker", conversation_id="new")
        assert refusals(a) == ["draining"]

    async def test_what_is_left_for_a_successor_that_was_given_up_comes_back(
        self, office: PostOffice
    ) -> None:
        a = office.open("a")
        office.open("worker")
        ask(office, "a", "worker", "c1")
        office.open("worker", number=2)
        handover = office.router.departures.begin(OLD, NEW)
        office.tell("a", "worker", b"more", conversation_id="c1")
        assert office.router.remove_mailbox(NEW) == []
        left = office.router.departures.end(OLD, handover)
        assert len(left) == 2
        office.router.reroute(left, FailureReason.AGENT_STOPPED)
        assert refusals(a) == ["agent-stopped", "agent-stopped"]
        office.check_sum()

    async def test_a_full_successor_pauses_the_sender_and_refuses_all_others_as_full(
        self, office: PostOffice
    ) -> None:
        a, client = office.open("a"), office.open("client")
        a.put(b"work")
        old, new = office.open("worker"), office.open("worker", depth=1, number=2)
        office.router.departures.begin(OLD, NEW)
        delivery = office.router._delivery
        frames = [
            encode(Envelope(Performative.INFORM, f"client@{NODE}", "worker", b"", f"talk-{number}"))
            for number in range(3)
        ]
        delivery.put(old, frames, a)  # as one whose batch had begun before
        assert (len(new), a.ready) == (3, 0)
        delivery.put(old, frames[:1], None)
        assert refusals(client) == ["mailbox-full"]

    def test_a_renamed_agent_is_never_nowhere(self) -> None:
        destinations = Destinations(NODE, RouteTable(), None)
        box, lost = Mailbox(1), []

        class Watched(dict[str, Any]):
            """Looks for the agent after every change."""

            def __setitem__(self, key: str, value: Any) -> None:
                super().__setitem__(key, value)
                self.look()

            def __delitem__(self, key: str) -> None:
                super().__delitem__(key)
                self.look()

            def pop(self, key: str, *default: Any) -> Any:
                value = super().pop(key, *default)
                self.look()
                return value

            def look(self) -> None:
                lost.append(destinations.find("worker", "talk").destination is not box)

        destinations.add_agent(LocalAgent(Target(OLD, NODE), f"worker@{NODE}", box, 1))
        destinations.agents = Watched(destinations.agents)
        destinations._by_name = Watched(destinations._by_name)
        for new in (NEW, NEW):
            (old,) = destinations.agents
            destinations.rename_agent(old, LocalAgent(Target(new, NODE), f"worker@{NODE}", box, 2))
            assert list(destinations.agents) == [new]
        assert len(lost) >= 3
        assert not any(lost)
