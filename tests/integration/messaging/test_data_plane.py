"""Real guests, real workers, the real router: what an agent's author may rely on within one node."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Client, Clients, Target
from caxton_node.runtime import Limits, TrapKind
from tests.support.data_plane import NODE, DataPlane, until
from tests.support.guests import faulty, tiny, wat
from tests.support.post_office import failure_of

pytestmark = pytest.mark.story("002")


def slow(turns: int) -> str:
    """Return a guest that takes a while for every message, and never answers."""
    return tiny(
        handle=f"""(local $n i32) (local $at i32) (local $end i32) (local $done i32)
          (local.set $at (i32.const 1024))
          (local.set $end (i32.add (i32.const 1024) (local.get 0)))
          (loop $frames
            (local.set $n (i32.const {turns}))
            (loop $spin (br_if $spin (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
            (local.set $done (i32.add (local.get $done) (i32.const 1)))
            (call $handled (local.get $done))
            (br_if $frames (i32.lt_u (local.get $at) (local.get $end))))
          (i32.const 0)""",
        memory="20",
    )


def request(receiver: str, content: bytes, reply_with: str, conversation: str = "talk-1") -> Envelope:
    return Envelope(
        Performative.REQUEST,
        None,
        receiver,
        content,
        f"{conversation}-{reply_with}",
        reply_with,
        language="text",
        protocol="fipa-request",
    )


async def answers(client: Client, count: int) -> list[Envelope]:
    return [await client.receive(10) for _ in range(count)]


async def test_a_client_asks_an_agent_and_gets_its_answer() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        echo = plane.add("echo", wat("echo"))
        client.send(request("echo", b"hello", "q-1"))
        (answer,) = await answers(client, 1)
        assert (answer.performative, answer.sender) == (Performative.INFORM, echo.address)
        assert (answer.content, answer.in_reply_to, answer.conversation_id) == (b"hello", "q-1", "talk-1-q-1")
        talk = plane.router.conversations.find("talk-1-q-1")
        assert talk is not None
        assert [course.stage.name for course in talk.courses()] == ["done"]


async def test_every_message_down_a_chain_of_agents_arrives_in_order_and_the_sum_is_right() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        for hop in range(5):
            last = hop == 4
            plane.add(f"hop-{hop}", wat("relay"), {"next": client.address if last else f"hop-{hop + 1}"})
        for number in range(900):
            client.send(
                Envelope(Performative.INFORM, None, "hop-0", str(number).encode(), f"talk-{number % 3}")
            )
        got = await answers(client, 900)
        for talk in range(3):
            mine = [int(one.content or b"") for one in got if one.conversation_id == f"talk-{talk}"]
            assert mine == list(range(talk, 900, 3))
        await plane.settled()
        counts = plane.router.counts()
        assert (counts.accepted, counts.delivered, counts.in_flight) == (900 * 6, 900 * 6, 0)
        assert plane.router.latency.count == 900 * 5


async def test_order_holds_with_many_workers_and_batches_of_one() -> None:
    with DataPlane(workers=6) as plane, Clients(plane.router).open() as client:
        plane.add("near", wat("relay"), {"next": "far"}, limits=Limits(batch_max=1))
        plane.add("far", wat("relay"), {"next": client.address}, limits=Limits(batch_max=1))
        for number in range(300):
            client.send(Envelope(Performative.INFORM, None, "near", str(number).encode(), "talk-1"))
        assert [int(one.content or b"") for one in await answers(client, 300)] == list(range(300))


@pytest.mark.story("001")
async def test_a_trap_in_the_middle_of_a_batch_costs_only_the_poisoned_message() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        agent = plane.add("weak", faulty(), limits=Limits(batch_max=8))
        plane.scheduler.detach(agent.slot)
        for number in range(8):
            client.send(request("weak", b"trap" if number == 3 else str(number).encode(), f"q-{number}"))
        plane.scheduler.attach(agent.slot)
        got = await answers(client, 4)
        assert [one.content for one in got if one.performative is Performative.INFORM] == [b"0", b"1", b"2"]
        (news,) = [one for one in got if one.performative is Performative.FAILURE]
        assert (failure_of(news)["reason"], news.in_reply_to) == ("trapped", "q-3")
        await until(lambda: len(plane.lost) == 1)
        (lost,) = plane.lost
        assert (lost.trap.kind, len(lost.waiting)) == (TrapKind.UNREACHABLE, 4)
        counts = plane.router.counts()
        assert (len(agent.mailbox), counts.in_flight, counts.refused) == (4, 4, 1)
        assert counts.accepted == counts.settled + counts.in_flight


async def test_a_lost_agent_is_not_run_again_until_it_is_attached_anew() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        agent = plane.add("weak", faulty())
        client.send(request("weak", b"trap", "q-1"))
        await client.receive(10)
        client.send(request("weak", b"fine", "q-2"))
        assert len(agent.mailbox) == 1
        again = plane.add("spare", faulty())
        agent.slot.sandbox.close()
        agent.slot.sandbox = again.slot.sandbox
        plane.scheduler.detach(again.slot)
        plane.scheduler.attach(agent.slot)
        assert (await client.receive(10)).content == b"fine"


async def test_a_guest_that_says_no_keeps_running_and_the_sender_hears_of_it() -> None:
    no = "(if (result i32) (i32.gt_u (local.get 0) (i32.const 200)) (then (i32.const 7))"
    guest = tiny(handle=f"{no} (else (call $handled (i32.const 1)) (i32.const 0)))")
    with DataPlane() as plane, Clients(plane.router).open() as client:
        agent = plane.add("picky", guest, limits=Limits(batch_max=1))
        client.send(request("picky", bytes(200), "q-1"))
        client.send(request("picky", b"", "q-2"))
        client.send(request("picky", bytes(200), "q-3"))
        got = await answers(client, 2)
        assert [(failure_of(news)["reason"], news.in_reply_to) for news in got] == [
            ("trapped", "q-1"),
            ("trapped", "q-3"),
        ]
        await plane.settled()
        assert (agent.handled, plane.lost) == (1, [])


@pytest.mark.story("005")
async def test_output_that_is_no_envelope_comes_back_to_the_guest_as_not_understood() -> None:
    # At init it sends three bytes that are a MessagePack array with an unknown act.
    guest = tiny(
        init="(i32.store (i32.const 512) (i32.const 2)) (i32.store16 (i32.const 516) (i32.const 0x6391))"
        " (call $out (i32.const 512) (i32.const 6)) (i32.const 0)",
        handle="(call $handled (i32.const 1)) (i32.const 0)",
    )
    with DataPlane() as plane:
        agent = plane.add("mumbler", guest)
        await until(lambda: agent.handled == 1)
        await plane.settled()
        counts = plane.router.counts()
        assert (counts.malformed, counts.accepted, counts.delivered) == (1, 1, 1)


async def test_a_slow_receiver_makes_a_fast_sender_wait_and_nothing_is_refused() -> None:
    with DataPlane() as plane:
        source = plane.add("source", wat("relay"), {"next": "drain"})
        drain = plane.add("drain", slow(20_000), limits=Limits(mailbox_depth=50))
        for number in range(2_000):
            plane.router.submit(
                Envelope(Performative.INFORM, "load@node-1", "source", b"1", f"talk-{number}")
            )
        deepest = 0
        while drain.handled < 2_000:
            deepest = max(deepest, len(drain.mailbox))
            await asyncio.sleep(0)
        assert deepest <= 50 + 256
        await plane.settled()
        counts = plane.router.counts()
        assert (counts.delivered, counts.refused, counts.dead_lettered) == (4_000, 0, 0)
        assert source.handled == 2_000


async def test_two_agents_that_flood_each_other_do_not_lock_each_other_up() -> None:
    with DataPlane() as plane:
        for name, other in (("ping", "pong"), ("pong", "ping")):
            plane.add(name, wat("relay"), {"next": other}, limits=Limits(mailbox_depth=20))
        for _ in range(20):
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "ping", b"", "talk"))
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "pong", b"", "talk"))
        before = plane.router.counts().delivered
        await until(lambda: plane.router.counts().delivered > before + 2_000)


async def test_an_agent_may_send_to_itself_without_holding_up_others() -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        loop = plane.add("loop", wat("relay"), {"next": "loop"})
        plane.add("echo", wat("echo"))
        plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "loop", b"", "talk"))
        await until(lambda: loop.handled > 100)
        client.send(request("echo", b"still there?", "q-1"))
        assert (await client.receive(5)).content == b"still there?"


async def test_a_flooded_agent_does_not_starve_the_others() -> None:
    with DataPlane(workers=1) as plane, Clients(plane.router).open() as client:
        hog = plane.add("hog", slow(500_000))
        plane.add("echo", wat("echo"))
        plane.scheduler.detach(hog.slot)
        for number in range(5_000):
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "hog", b"", f"talk-{number}"))
        plane.scheduler.attach(hog.slot)
        for turn in range(20):
            client.send(request("echo", b"", f"q-{turn}"))
            assert (await client.receive(5)).in_reply_to == f"q-{turn}"
        assert hog.handled < 5_000, "the hog was done before the others were asked"


async def test_a_guest_in_a_long_call_does_not_hold_up_the_rest() -> None:
    limits = Limits(wall_time_s=2, fuel_per_message=2**40)
    with DataPlane() as plane, Clients(plane.router).open() as client:
        plane.add("stuck", faulty(), limits=limits)
        plane.add("echo", wat("echo"))
        client.send(request("stuck", b"spin", "q-stuck"))
        for turn in range(30):
            client.send(request("echo", b"", f"q-{turn}"))
            assert (await client.receive(5)).in_reply_to == f"q-{turn}"
        news = await client.receive(10)
        assert (failure_of(news)["reason"], news.in_reply_to) == ("trapped", "q-stuck")
        await until(lambda: bool(plane.lost))
        assert plane.lost[0].trap.kind is TrapKind.TIME


@pytest.mark.parametrize("batch_max", [1, 3, 64])
async def test_no_call_ever_gets_more_messages_than_the_limit(batch_max: int) -> None:
    with DataPlane() as plane:
        agent = plane.add("sink", wat("relay"), limits=Limits(batch_max=batch_max))
        plane.scheduler.detach(agent.slot)
        for number in range(500):
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "sink", b"", f"talk-{number}"))
        plane.scheduler.attach(agent.slot)
        await until(lambda: agent.handled == 500)
        largest = max(bits for bits, turns in enumerate(plane.scheduler.load().batch_cells) if turns)
        assert 1 << largest - 1 <= batch_max
        if batch_max == 1:
            assert plane.scheduler.load().turns >= 500


async def test_a_route_over_two_instances_keeps_each_conversation_on_one_of_them() -> None:
    with DataPlane() as plane:
        agents = [plane.add("pool", wat("relay"), number=number) for number in (1, 2)]
        plane.route("pool", *(Target(agent.instance, NODE) for agent in agents))
        for number in range(400):
            plane.router.submit(
                Envelope(Performative.INFORM, "load@node-1", "pool", b"", f"talk-{number % 40}")
            )
        await plane.settled()
        shares = [agent.handled for agent in agents]
        assert sum(shares) == 400
        assert all(share % 10 == 0 and share > 0 for share in shares)


async def test_detaching_waits_for_the_call_under_way_and_then_nothing_runs_any_more() -> None:
    with DataPlane() as plane:
        agent = plane.add("slow", slow(1_000_000), limits=Limits(batch_max=1))
        for number in range(50):
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "slow", b"", f"talk-{number}"))
        await until(lambda: agent.handled > 0)
        await asyncio.to_thread(plane.scheduler.detach, agent.slot)
        handled, waiting = agent.handled, len(agent.mailbox)
        assert handled + waiting == 50
        assert plane.router.counts().in_flight == waiting
        plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "slow", b"", "talk"))
        assert plane.scheduler.load().ready == 0
        assert agent.handled == handled


async def test_closing_ends_every_worker_even_with_mail_left() -> None:
    with DataPlane() as plane:
        agent = plane.add("slow", slow(200_000), limits=Limits(batch_max=1))
        for number in range(200):
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", "slow", b"", f"talk-{number}"))
        await until(lambda: agent.handled > 0)
        await asyncio.to_thread(plane.scheduler.close)
        counts = plane.router.counts()
        assert counts.in_flight == len(agent.mailbox)
        assert counts.accepted == counts.settled + counts.in_flight == 200
        assert not any(worker.is_alive() for worker in plane.scheduler._workers)


async def test_heavy_guests_bring_in_more_workers() -> None:
    heavy = Limits(fuel_per_message=2**40, wall_time_s=10)
    with DataPlane(workers=4) as plane:
        plane.scheduler._cores = 2
        agents = [plane.add(f"heavy-{n}", slow(1_000_000), limits=heavy) for n in range(2)]
        for number in range(400):
            name = f"heavy-{number % 2}"
            plane.router.submit(Envelope(Performative.INFORM, "load@node-1", name, b"", f"t-{number}"))
        await until(lambda: plane.scheduler.load().running == 2)
        await until(lambda: sum(agent.handled for agent in agents) == 400, within_s=30)


async def test_a_bug_of_the_host_costs_one_agent_and_no_worker() -> None:
    with DataPlane(workers=1) as plane, Clients(plane.router).open() as client:
        agent = plane.add("echo", wat("echo"))
        plane.add("other", wat("echo"))
        agent.slot.sandbox.close()  # what no caller may do: the worker's next call fails in the host
        client.send(request("echo", b"", "q-1"))
        news = await client.receive(5)
        assert failure_of(news)["reason"] == "trapped"
        await until(lambda: bool(plane.lost))
        assert plane.lost[0].trap.kind is TrapKind.HOST
        client.send(request("other", b"fine", "q-2"))
        assert (await client.receive(5)).content == b"fine"


async def test_a_bug_on_the_way_out_of_an_agent_leaves_no_message_of_its_batch_in_the_air(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(instance: str, frames: object) -> None:
        raise LookupError(instance)

    with DataPlane(workers=1) as plane, Clients(plane.router).open() as client:
        plane.add("echo", wat("echo"))
        monkeypatch.setattr(plane.router, "accept", fail)
        client.send(request("echo", b"", "q-1"))
        await until(lambda: bool(plane.lost))
        assert (plane.lost[0].trap.kind, plane.lost[0].poisoned) == (TrapKind.HOST, None)
        await plane.settled()
        counts = plane.router.counts()
        assert counts.accepted == counts.settled == 1


@pytest.mark.parametrize(("at", "reason"), [("admit", "trapped"), ("charge", "budget-exhausted")])
async def test_a_bug_of_the_host_around_a_turn_that_is_paid_loses_no_message(
    monkeypatch: pytest.MonkeyPatch, at: str, reason: str
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise LookupError("a bug of the host")

    with DataPlane() as plane, Clients(plane.router).open() as client:
        monkeypatch.setattr(plane.router, at, fail)
        echo = plane.add("echo", wat("echo"))
        question = request("echo", b"hello", "q-1")
        question.headers = {"budget": msgspec.Raw(msgspec.msgpack.encode({"messages": 9}))}
        client.send(question)
        (answer,) = await answers(client, 1)
        assert failure_of(answer)["reason"] == reason
        await until(lambda: bool(plane.lost))
        assert plane.lost[0].trap.kind is TrapKind.HOST
        assert (plane.lost[0].poisoned is None, plane.lost[0].waiting) == (at == "charge", [])
        assert echo.mailbox.in_flight == len(echo.mailbox)  # nothing is in hands
