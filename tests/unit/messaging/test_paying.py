"""The desk of budgets in the router: what is paid together, what comes back, and what stays within."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw, msgpack

from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.messaging import Mailbox
from caxton_node.messaging.budget import Grant, grant_of, with_grant
from tests.support.post_office import NODE, PostOffice, empty, failure_of

pytestmark = [pytest.mark.story("016"), pytest.mark.story("030")]
FAR = "far@node-2"


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def inform(receiver: str | list[str], talk: str | None = "talk", **more: Any) -> Envelope:
    return Envelope(Performative.INFORM, None, receiver, b'"x"', talk, **more)


def wishing(envelope: Envelope, **amounts: int) -> Envelope:
    envelope.headers = {**(envelope.headers or {}), "budget": Raw(msgpack.encode(amounts))}
    return envelope


def arrive(office: PostOffice, receiver: str, *, sender: str = FAR, **carried: Any) -> None:
    """Let a REQUEST with a budget of an agent on another node come in."""
    request = Envelope(Performative.REQUEST, sender, receiver, b'"x"', "talk", "q-1")
    request.message_id, request.sent_at = bytes(16), 1
    with_grant(request, Grant(initiator=FAR, conversation="talk", **carried))
    office.router.accept_remote("node-2", [encode(request)])


def handle(office: PostOffice, name: str, *says: Envelope, counts_fuel: bool = False) -> list[Envelope]:
    """Give an agent one turn, in which it says this; returns what it handled."""
    instance = f"{name}#1.1@{NODE}"
    box = office.boxes[instance]
    frames = box.take(256, 1 << 30)
    if box.lone_in_hand() is None:
        office.router.accept(instance, [encode(each) for each in says])
        box.settle(len(frames))
    elif office.router.admit(instance, frames[0], counts_fuel=counts_fuel):
        office.router.charge(instance, frames[0], fuel_units=5, elapsed_s=0.001)
        office.router.accept(instance, [encode(each) for each in says])
        box.settle(1)
    else:
        box.settle(0, poisoned=1)
        frames = []
    office.check_sum()
    return [decode(frame) for frame in frames]


def all_of(box: Mailbox) -> list[Envelope]:
    """Take everything, paid messages one by one."""
    got: list[Envelope] = []
    while len(box):
        got += empty(box)
    return got


def carries(envelope: Envelope) -> int | None:
    grant = grant_of(envelope)
    assert grant is not None, "it is in no budget"
    return grant.messages


class TestSending:
    async def test_copies_for_several_receivers_share_equally(self, office: PostOffice) -> None:
        boxes = [office.open(name) for name in ("a", "b", "c")]
        office.open("boss")
        handle(office, "boss", wishing(inform(["a", "b", "c"]), messages=43))
        assert [carries(*empty(box)) for box in boxes] == [10, 10, 10]

    async def test_all_that_follows_the_first_paid_message_is_paid_with_it(self, office: PostOffice) -> None:
        a, b = office.open("a"), office.open("b")
        office.open("boss")
        free = inform("a", "elsewhere")
        handle(office, "boss", free, wishing(inform("a"), messages=42), free, inform("b"), free)
        got = all_of(a)
        assert [each.conversation_id for each in got] == ["elsewhere", "talk", "elsewhere", "elsewhere"]
        assert [grant_of(each) is not None for each in got] == [False, True, False, False]
        assert (carries(got[1]), carries(*empty(b))) == (13, 13)

    async def test_each_paid_message_goes_alone_and_keeps_its_place(self, office: PostOffice) -> None:
        box = office.open("a")
        office.open("boss")
        free = inform("a", "elsewhere")
        handle(office, "boss", free, free, wishing(inform("a"), messages=9), free)
        assert [len(box.take(256, 1 << 30)) for _ in range(3)] == [2, 1, 1]

    async def test_a_turn_pays_for_all_that_it_says_wherever(self, office: PostOffice) -> None:
        a = office.open("a")
        office.open("worker")
        arrive(office, "worker", messages=20)
        handle(office, "worker", inform("a"), wishing(inform("a", "new"), messages=10**6), inform("a", None))
        assert [carries(each) for each in all_of(a)] == [0, 17, 0]

    async def test_what_it_answers_to_another_node_carries_the_rest(self, office: PostOffice) -> None:
        office.open("worker")
        arrive(office, "worker", messages=20, time_us=5_000)
        (asked,) = handle(office, "worker", inform(FAR, in_reply_to="q-1"))
        (_, _, answer) = office.mesh.sent[0]
        grant = grant_of(answer)
        assert grant is not None
        assert (grant.messages, grant.time_us, grant.refund) == (19, 4_000, True)
        assert grant_of(asked) is not None, "an agent sees what it has been given"

    async def test_a_message_full_of_headers_cannot_be_in_a_budget(self, office: PostOffice) -> None:
        worker = office.open("worker")
        office.open("a")
        arrive(office, "worker", messages=20)
        full = inform("a", headers={f"h{number}": Raw(b"\x01") for number in range(HEADERS_MAX)})
        handle(office, "worker", full)
        (news,) = empty(worker)
        assert news.performative is Performative.NOT_UNDERSTOOD
        assert b"63 headers" in (news.content or b"")

    async def test_a_client_pays_for_its_message_and_gives_all_along(self, office: PostOffice) -> None:
        box = office.open("a")
        told: list[Envelope] = []
        office.router.add_platform_agent("client~1", told.append)
        message = wishing(inform("a"), messages=10)
        message.sender = f"client~1@{NODE}"
        office.router.submit(message)
        assert carries(*empty(box)) == 9


class TestComingBack:
    @pytest.mark.parametrize(
        ("receiver", "reason"),
        [("nobody", "no-such-agent"), ("full", "mailbox-full"), ("gone@node-2", "backlog-full")],
    )
    async def test_what_reaches_nobody_brings_its_share_back(
        self, office: PostOffice, receiver: str, reason: str
    ) -> None:
        boss = office.open("boss")
        office.open("full", depth=0)
        office.mesh.room = 0
        message = wishing(inform(receiver), messages=10)
        message.sender = f"boss@{NODE}"
        office.router.submit(message)
        (news,) = empty(boss)
        assert failure_of(news)["reason"] == reason
        assert carries(news) == 9

    async def test_an_act_that_its_protocol_does_not_allow_brings_its_share_back(
        self, office: PostOffice
    ) -> None:
        boss = office.open("boss")
        office.open("a")
        message = wishing(inform("a", protocol="fipa-request"), messages=10)
        message.performative = Performative.AGREE
        handle(office, "boss", message)
        (news,) = empty(boss)
        assert news.performative is Performative.NOT_UNDERSTOOD
        assert carries(news) == 0, "AGREE carries nothing"
        proposal = wishing(inform("a", "talk-2", protocol="fipa-request"), messages=10)
        proposal.performative = Performative.PROPOSE
        handle(office, "boss", proposal)
        assert carries(*empty(boss)) == 4

    async def test_one_that_trapped_gives_back_what_its_turn_has_left(self, office: PostOffice) -> None:
        box = office.open("worker")
        arrive(office, "worker", messages=20, time_us=5_000)
        frames = box.take(1, 1 << 30)
        office.router.charge(f"worker#1.1@{NODE}", frames[0], fuel_units=5, elapsed_s=0.001)
        box.settle(0, poisoned=1)
        office.router.return_to_sender(frames[0], FailureReason.TRAPPED, "")
        grant = grant_of(office.mesh.sent[0][2])
        assert grant is not None
        assert (grant.messages, grant.time_us, grant.refund) == (20, 4_000, True)

    async def test_a_failure_that_nobody_gets_loses_what_it_carries_and_says_so(
        self, office: PostOffice
    ) -> None:
        office.open("worker")
        message = wishing(inform("nobody"), messages=10)
        message.sender = f"gone@{NODE}"
        office.router.submit(message)
        assert office.router.budgets.ledger.lost.messages == 9


class TestRunningOut:
    async def test_a_worker_without_time_is_not_run_and_both_ends_are_told(self, office: PostOffice) -> None:
        office.open("worker")
        arrive(office, "worker", sender="middle@node-2", messages=20, time_us=0)
        assert handle(office, "worker") == []
        sent = [envelope for _, _, envelope in office.mesh.sent]
        assert [each.receivers for each in sent] == ["middle@node-2", FAR]
        sender, initiator = map(failure_of, sent)
        assert (sender["reason"], carries(sent[0])) == ("budget-exhausted", 20)
        assert (initiator["amount"], sent[1].headers) == ("time_us", None)

    async def test_an_initiator_that_sent_it_itself_is_told_in_one(self, office: PostOffice) -> None:
        office.open("worker")
        arrive(office, "worker", time_us=0, fuel=3)
        handle(office, "worker")
        ((_, _, told),) = office.mesh.sent
        assert (failure_of(told)["amount"], told.in_reply_to) == ("time_us", "q-1")

    async def test_fuel_is_asked_for_only_where_it_is_counted(self, office: PostOffice) -> None:
        office.open("worker")
        arrive(office, "worker", fuel=0)
        assert len(handle(office, "worker", counts_fuel=False)) == 1
        arrive(office, "worker", fuel=0)
        assert handle(office, "worker", counts_fuel=True) == []

    async def test_what_the_platform_says_in_a_paid_turn_is_handled_within_the_budget(
        self, office: PostOffice
    ) -> None:
        worker = office.open("worker")
        office.open("a")
        arrive(office, "worker", messages=1)
        broken = inform("a")
        broken.content = None
        handle(office, "worker", inform("a"), inform("a"), broken, wishing(inform("a"), mesages=1))
        office.router.accept(f"worker#1.1@{NODE}", [b"rubbish"])  # outside of the turn
        news = all_of(worker)
        assert [carries(each) for each in news[:-1]] == [0, 0, 0]
        assert grant_of(news[-1]) is None

    async def test_no_answer_in_time_is_handled_within_the_budget(self, office: PostOffice) -> None:
        worker = office.open("worker")
        arrive(office, "worker", messages=20)
        handle(office, "worker", inform(FAR, reply_with="r-1", reply_by=1))
        office.router.tick(office.clock.unix_us())
        (news,) = empty(worker)
        assert (failure_of(news)["reason"], carries(news)) == ("timeout", 0)

    async def test_whoever_opened_a_budget_hears_of_failures_whatever_is_left(
        self, office: PostOffice
    ) -> None:
        boss = office.open("boss")
        office.open("asker")
        handle(office, "boss", wishing(inform("nobody", reply_with="r"), messages=10, time_us=0))
        (news,) = handle(office, "boss", inform("asker", "order"))
        assert failure_of(news)["reason"] == "no-such-agent"
        (answer,) = empty(office.boxes[f"asker#1.1@{NODE}"])
        assert grant_of(answer) is None, "its own means, in a conversation of its own"
        assert len(boss) == 0


async def test_a_message_of_no_budget_passes_by(office: PostOffice) -> None:
    box: Mailbox = office.open("a")
    office.open("boss")
    handle(office, "boss", *[inform("a", f"talk-{number}") for number in range(3)])
    assert all(each.headers is None for each in empty(box))
    assert len(office.router.budgets) == 0
