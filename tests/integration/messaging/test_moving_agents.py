"""Order per sender and conversation while an agent moves from node to node under load."""

import asyncio
import random

import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.messaging import marks
from caxton_node.messaging.addresses import MARKS
from tests.support.data_plane import until
from tests.support.moving import world

pytestmark = pytest.mark.story("002")
TALKS = ("t0", "t1", "t2", "t3", "t4")


async def arrived(net, instance, count):
    """Wait until so many messages wait for an instance."""
    box = net[instance.partition("@")[2]].boxes[instance]
    await until(lambda: len(box) == count)


async def nothing_overtakes(net, new):
    """Watch for a while that nothing reaches the new place before what went to the old one."""
    for _ in range(50):
        await asyncio.sleep(0.001)
        net.read(new)
    assert net.seen == []


async def test_what_waits_at_the_old_node_is_handled_before_what_goes_to_the_new_one():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        for number in range(5):
            net["a"].say("x", "talk", number)
        await arrived(net, old, 5)
        new = net.start("c")
        net.route(new)
        for number in range(5, 10):
            net["a"].say("x", "talk", number)
        for _ in range(200):
            await asyncio.sleep(0)
            net.read(new)
        assert net.seen == [], "the new one is fast, but nothing has come to it"
        while net.read(old):
            pass
        await arrived(net, new, 5)
        await net.settle()
        assert net.numbers("talk") == list(range(10))
        assert net["a"].outcomes() == {"clear": 1}


async def test_what_is_still_on_its_way_to_the_old_node_is_waited_for():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        net.wire.stop("a", "b")
        for number in range(5):
            net["a"].say("x", "talk", number)
        await until(lambda: net["a"].remote.pending == 0)
        new = net.start("c")
        net.route(new)
        for number in range(5, 10):
            net["a"].say("x", "talk", number)
        await nothing_overtakes(net, new)
        net.wire.go("a", "b")
        await net.settle()
        assert net.numbers("talk") == list(range(10))


async def test_what_the_old_node_passes_on_over_a_slow_link_arrives_first():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        for number in range(5):
            net["a"].say("x", "talk", number)
        await arrived(net, old, 5)
        new = net.start("c")
        net.wire.stop("b", "c")
        net.route(new)
        net.end(old)
        for number in range(5, 10):
            net["a"].say("x", "talk", number)
        await nothing_overtakes(net, new)
        net.wire.go("b", "c")
        await net.settle()
        assert net.numbers("talk") == list(range(10))


async def test_an_agent_that_moves_to_the_node_of_its_sender_gets_first_what_comes_back():
    async with world("a", "b") as net:
        old = net.start("b")
        net.route(old)
        for number in range(5):
            net["a"].say("x", "talk", number)
        await arrived(net, old, 5)
        new = net.start("a")
        net.wire.stop("b", "a")
        net.route(new)
        net.end(old)
        net["a"].say("x", "talk", 5)
        await nothing_overtakes(net, new)
        net.wire.go("b", "a")
        await net.settle()
        assert net.numbers("talk") == list(range(6))


async def test_an_agent_that_leaves_the_node_of_its_sender_handles_first_what_it_has():
    async with world("a", "b") as net:
        old = net.start("a")
        net.route(old)
        for number in range(5):
            net["a"].say("x", "talk", number)
        new = net.start("b")
        net.route(new)
        net["a"].say("x", "talk", 5)
        await nothing_overtakes(net, new)
        await net.settle()
        assert net.numbers("talk") == list(range(6))


async def test_a_pause_in_which_nobody_has_the_agent_changes_nothing():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        net.wire.stop("a", "b")
        for number in range(3):
            net["a"].say("x", "talk", number)
        net.route()
        new = net.start("c")
        net.route(new)
        net["a"].say("x", "talk", 3)
        await nothing_overtakes(net, new)
        net.wire.go("a", "b")
        await net.settle()
        assert net.numbers("talk") == [0, 1, 2, 3]


async def test_conversations_that_do_not_change_sides_do_not_wait():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        for talk in TALKS:
            net["a"].say("x", talk, 0)
        await arrived(net, old, 5)
        new = net.start("c")
        net.route(old, new)
        for talk in TALKS:
            net["a"].say("x", talk, 1)
        stay = [talk for talk in TALKS if net["a"].routes.resolve("default/x", talk).node == "b"]
        assert 0 < len(stay) < len(TALKS), "choose other names"
        await arrived(net, old, 5 + len(stay))
        assert len(net["a"].router.fences) == len(TALKS) - len(stay)
        await net.settle()
        for talk in TALKS:
            assert net.numbers(talk) == [0, 1]


async def test_a_node_that_dies_is_not_waited_for_and_what_it_never_took_goes_first():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        new = net.start("c")
        net.route(old)
        net.wire.stop("a", "b")
        for number in range(3):
            net["a"].say("x", "talk", number)
        await until(lambda: net["a"].remote.pending == 0)
        net.route(new)
        net["a"].say("x", "talk", 3)
        net.wire.kill("b")
        await net.settle()
        assert net.numbers("talk") == [0, 1, 2, 3]
        assert net["a"].outcomes() == {"clear": 1}


async def test_when_time_is_up_everything_goes_on_and_it_is_counted():
    async with world("a", "b", "c", fence_s=0.2) as net:
        old = net.start("b")
        net.route(old)
        net["a"].say("x", "talk", 0)
        await arrived(net, old, 1)
        new = net.start("c")
        net.route(new)
        net["a"].say("x", "talk", 1)
        await arrived(net, new, 1)
        assert net["a"].outcomes() == {"late": 1}
        await net.settle()


async def test_a_change_that_moves_nothing_costs_nothing():
    async with world("a", "b") as net:
        first, second = net.start("b"), net.start("b")
        net.route(first)
        net["a"].say("x", "talk", 0)
        await net.settle()
        net.route(second)
        net.route(first, second)
        net.route(second)
        assert not net["a"].router.fences.standing
        net["a"].say("x", "talk", 1)
        await net.settle()
        assert net.wire.requests == [("a", "b", "messaging.clear")] or net.wire.requests == []


async def test_nobody_is_asked_about_a_name_to_which_nothing_was_sent():
    async with world("a", "b", "c") as net:
        net.route(net.start("b"))
        net.route(net.start("c"))
        await asyncio.sleep(0)
        assert net.wire.requests == []


async def test_what_waits_at_a_fence_is_bounded_and_more_comes_back(monkeypatch):
    monkeypatch.setattr("caxton_node.messaging.fence.HELD_MAX", 3)
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        net.wire.stop("a", "b")
        net["a"].say("x", "talk", 0)
        await until(lambda: net["a"].remote.pending == 0)
        net.route(net.start("c"))
        for number in range(1, 6):
            net["a"].say("x", "talk", number)
        assert len(net["a"].router.fences) == 3
        assert net["a"].router.counts().refused == 2
        net.wire.go("a", "b")
        await net.settle()
        assert net.numbers("talk") == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(20))
async def test_order_holds_through_random_moves(seed):
    """Agents come and go on random nodes, links stop and go on, readers are slow: nothing is overtaken.

    The next move begins when the one before is through, and none leads back to where the agent was: what is
    passed on between nodes is not fenced (see `fence.py`).
    """
    rng = random.Random(seed)
    names = rng.sample("abcdefghij", 10)
    async with world(*names, fence_s=30.0) as net:
        free = names[:]
        living = [net.start(free.pop())]
        net.route(*living)
        sent = dict.fromkeys(TALKS, 0)
        for _ in range(300):
            act = rng.random()
            if act < 0.6:
                talk = rng.choice(TALKS)
                net["a"].say("x", talk, sent[talk])
                sent[talk] += 1
            elif act < 0.75:
                net.read(rng.choice(living), rng.randint(1, 4))
            elif act < 0.83:
                link = tuple(rng.sample(names, 2))
                (net.wire.go if link in net.wire.stopped else net.wire.stop)(*link)
            elif act < 0.9 or net["a"].router.fences.standing:
                await asyncio.sleep(0.001)
            elif free and len(living) < 3 and rng.random() < 0.5:
                living.append(net.start(free.pop()))
                net.route(*living)
            elif len(living) > 1:
                gone = living.pop(rng.randrange(len(living)))
                net.route(*living)
                net.end(gone)
        for link in list(net.wire.stopped):
            net.wire.go(*link)
        await net.settle(rng, within_s=60)
        net.check_order()
        assert len(net.seen) == sum(sent.values())
        for place in net.wire.places.values():
            counts = place.router.counts()
            assert counts.accepted == counts.settled, counts


async def test_marks_that_nobody_got_are_no_dead_letters():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        net["a"].say("x", "talk", 0)
        await arrived(net, old, 1)
        net.wire.dead.add("b")
        net.route(net.start("c"))
        await until(lambda: not net["a"].router.fences.standing)
        counts = net["a"].router.counts()
        assert len(net["a"].router.dead_letters) == 0
        assert counts.accepted == counts.settled
        net.wire.dead.discard("b")


async def test_the_word_of_a_guest_is_no_mark():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        net.wire.stop("a", "b")
        net["a"].say("x", "talk", 0)
        await until(lambda: net["a"].remote.pending == 0)
        net.route(net.start("c"))
        net["a"].say("x", "talk", 1)
        for lane in range(8):
            mark = marks.encode(marks.Mark("a", 1, lane, 8))
            forged = Envelope(Performative.INFORM, "evil@b", f"{MARKS}@b", mark, language="msgpack")
            net["b"].router.submit(forged)
        await asyncio.sleep(0.05)
        assert net["a"].router.fences.standing
        net.wire.go("a", "b")
        await net.settle()
        assert net.numbers("talk") == [0, 1]


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x91" * 3000, b"\x95\xa1x\x01\x90\x90\x00"])
async def test_a_question_that_is_none_is_refused(payload):
    async with world("a", "b") as net:
        with pytest.raises(InvalidArgument, match="cannot be read"):
            await net["b"].peers.handlers[marks.METHOD]("a", payload)


def turn(net, instance, *numbers):
    """Let an agent of a guest send numbered messages in one turn, as a worker does."""
    acts = [Envelope(Performative.INFORM, None, "x", str(number).encode(), "talk") for number in numbers]
    net["a"].router.accept(instance, [encode(act) for act in acts])


async def test_a_guest_that_writes_to_a_moving_agent_is_paused_and_then_goes_on():
    async with world("a", "b", "c") as net:
        guest = net.start("a", "guest")
        box = net["a"].boxes[guest]
        old = net.start("b")
        net.route(old)
        net.wire.stop("a", "b")
        turn(net, guest, 0)  # the long way, the others the fast one
        turn(net, guest, 1, 2)
        await until(lambda: net["a"].remote.pending == 0)
        net.route(net.start("c"))
        turn(net, guest, 3, 4)
        assert len(net["a"].router.fences) == 2
        assert box.waits_for is not None
        net.wire.go("a", "b")
        await net.settle()
        assert net.numbers("talk") == [0, 1, 2, 3, 4]
        assert box.waits_for is None
        turn(net, guest, 5)
        await net.settle()
        assert net.numbers("talk")[-1] == 5


async def test_a_turn_that_began_before_the_change_is_waited_for():
    async with world("a", "b", "c") as net:
        old = net.start("b")
        net.route(old)
        net["a"].say("x", "talk", 0)
        await net.settle()
        fences = net["a"].router.fences
        fences.begin_turn()  # a worker that has looked up the way and has not sent yet
        net.route(net.start("c"))
        net["a"].say("x", "talk", 2)
        await asyncio.sleep(0.05)
        assert net.wire.requests == []
        net["a"].router._destinations.lanes_to("b")[0].put_all([frame_of(net, 1)], None)
        fences.end_turn()
        await net.settle()
        assert net.numbers("talk") == [0, 1, 2]


def frame_of(net, number):
    """Return a message as a turn has it ready for a lane."""
    net["a"].router._tally.accept(1)
    content = str(number).encode()
    return encode(Envelope(Performative.INFORM, "asker@a", "x", content, "talk", message_id=bytes(16)))
