"""Durable messages between nodes in one process, over wires that are cut and lives that end."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import msgspec
import pytest

from caxton_node.core.errors import ResourceLimit
from caxton_node.fipa import Performative, decode, encode
from caxton_node.messaging import Target
from caxton_node.messaging.durable import reports
from caxton_node.messaging.durable.reports import FATES, HANDLED, Question, Report
from caxton_node.messaging.durable.settings import DurableSettings
from caxton_node.storage import StoreFailed
from tests.support.durable_net import PATIENT, letter, open_net

pytestmark = [pytest.mark.story("022"), pytest.mark.story("002")]


@pytest.fixture
async def net(tmp_path):
    async with open_net(tmp_path) as opened:
        yield opened


def rows(node, table="durable_outbox"):
    with closing(sqlite3.connect(f"file:{node.path}?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def numbers(count, start=0):
    return [str(number) for number in range(start, start + count)]


class TestOneNode:
    async def test_a_message_is_on_the_disk_before_anybody_gets_it(self, net):
        one = await net.add("n1")
        one.open("a")
        box = one.open("b")
        one.say("a", "b", "hi")
        assert len(box) == 0
        await net.rest()
        assert (len(box), rows(one)) == (1, 1)
        assert one.handle("b") == ["hi"]
        await net.rest()
        assert rows(one) == 0
        one.check_sum()

    async def test_what_is_sent_behind_it_does_not_go_before_it(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        one.say("a", "b", "1", durable=False)
        one.router.accept("a#1.1@n1", [letter("b", "2"), letter("b", "3", durable=False)])
        one.say("a", "b", "4", durable=False)
        one.say("a", "b", "5")
        await net.rest()
        assert one.handle("b") == numbers(5, start=1)
        one.check_sum()

    async def test_a_kill_loses_nothing_that_was_on_the_disk_and_keeps_its_order(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        for number in numbers(300):
            one.say("a", "b", number)
        await net.rest()
        await one.kill()
        await one.start()
        one.open("b")
        await net.rest()
        assert one.handle("b") + await handled_later(net, one) == numbers(300)
        assert rows(one) == 0

    async def test_a_turn_that_the_disk_does_not_know_has_not_happened(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        one.open("c")
        one.say("a", "b", "hi")
        await net.rest()
        one.handle("b", lambda said: [letter("c", "from " + (said.content or b"").decode())])
        await one.kill()  # before the loop has written anything of that turn
        await one.start()
        one.open("b")
        one.open("c")
        await net.rest()
        assert one.handle("c") == []
        assert one.handle("b", lambda _said: [letter("c", "again")]) == ["hi"]
        await net.rest()
        assert one.handle("c") == ["again"]

    async def test_a_turn_that_the_disk_knows_is_not_done_again_and_what_it_sent_is_there(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        one.open("c")
        one.say("a", "b", "hi")
        await net.rest()
        one.handle("b", lambda _said: [letter("c", "answer")])
        await net.rest()
        await one.kill()
        await one.start()
        one.open("b")
        one.open("c")
        await net.rest()
        assert (one.handle("b"), one.handle("c")) == ([], ["answer"])

    async def test_a_message_to_nobody_waits_for_somebody_over_a_kill(self, net):
        one = await net.add("n1")
        one.open("a")
        one.say("a", "later", "hi")
        await net.rest()
        assert one.router.counts().outbox == 1
        await one.kill()
        await one.start()
        one.open("later")
        await net.rest()
        assert one.handle("later") == ["hi"]

    async def test_one_that_nobody_handles_in_time_comes_back_and_leaves_a_dead_letter(self, net):
        one = await net.add("n1")
        one.open("a")
        one.say("a", "nobody", "hi")
        await net.rest()
        await net.pass_time(PATIENT.ttl_s + 1, step_s=PATIENT.ttl_s)
        await net.pass_time(1)
        (frame,) = one.boxes["a"].frames()
        assert decode(frame).performative is Performative.FAILURE
        assert b'"expired"' in (decode(frame).content or b"")
        assert len(one.router.dead_letters) == 1
        one.handle("a")
        await net.rest()
        assert rows(one) == 0
        one.check_sum()

    async def test_one_over_which_its_receiver_traps_comes_back_once(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        one.say("a", "b", "hi")
        await net.rest()
        one.refuse("b")
        await net.rest()
        assert rows(one) == 1  # the FAILURE, which survives like what it is about
        await one.kill()
        await one.start()
        one.open("a")
        one.open("b")
        await net.rest()
        assert one.handle("b") == []
        assert len(one.handle("a")) == 1
        await net.rest()
        assert rows(one) == 0

    async def test_its_dead_letter_is_on_the_disk_before_it_is_closed(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        left = []

        async def write():
            left.append((len(one.router.dead_letters), rows(one)))

        one.durable.keep_letters_by(write)
        one.say("a", "b", "hi")
        await net.rest()
        one.refuse("b")
        await net.rest()
        assert left[0] == (1, 1)  # the letter is there, and the row of its message still

    async def test_a_platform_agent_handles_it_too(self, net):
        one = await net.add("n1")
        one.open("a")
        got = []
        one.router.add_platform_agent("desk", got.append)
        one.say("a", "desk", "hi")
        await net.rest()
        await asyncio.sleep(0)
        await net.rest()
        assert [said.content for said in got] == [b"hi"]
        assert rows(one) == 0
        one.check_sum()

    async def test_one_for_a_client_that_has_gone_comes_back_at_once(self, net):
        one = await net.add("n1")
        one.open("a")
        one.say("a", "client~7@n1", "hi")
        await net.rest()
        (frame,) = one.boxes["a"].frames()
        assert b'"no-such-agent"' in (decode(frame).content or b"")
        one.handle("a")
        await net.rest()
        assert rows(one) == 0
        one.check_sum()

    async def test_it_carries_a_budget_like_any_message(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        raw = msgspec.Raw(msgspec.msgpack.encode({"messages": 10}))
        said = decode(letter("b", "hi"))
        said.headers["budget"] = raw
        one.router.accept("a#1.1@n1", [encode(said)])
        await net.rest()
        answers = []

        def answer(got):
            answers.append(got.headers)
            return [letter("a", "yes", in_reply_to="x")]

        assert one.handle("b", answer) == ["hi"]
        await net.rest()
        assert "budget" in answers[0]
        assert one.handle("a") == ["yes"]
        await net.rest()
        assert rows(one) == 0
        one.check_sum()

    async def test_many_talks_that_wait_for_somebody_are_sent_little_by_little(self, net):
        one = await net.add("n1")
        one.open("a")
        for number in numbers(1_200):
            one.say("a", "later", number, conversation_id=f"talk-{number}")
        await net.rest()
        one.open("later", depth=2_000)
        await net.rest()
        assert 0 < len(one.boxes["later"]) < 1_200
        await net.pass_time(2)
        assert sorted(map(int, one.handle("later"))) == list(range(1_200))
        await net.rest()
        assert rows(one) == 0

    async def test_a_full_outbox_refuses(self, net):
        one = await net.add("n1", DurableSettings(rows_max=2))
        one.open("a")
        for number in numbers(3):
            one.say("a", "nobody", number)
        await net.rest()
        (frame,) = one.boxes["a"].frames()
        assert b'"backlog-full"' in (decode(frame).content or b"")
        with pytest.raises(ResourceLimit, match="the outbox is full: 2 durable messages"):
            one.durable.sending.check_room()
        one.check_sum()

    async def test_a_full_mailbox_gets_the_rest_later_in_order(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b", depth=3)
        for number in numbers(10):
            one.say("a", "b", number)
        await net.rest()
        got = one.handle("b") + await handled_later(net, one)
        assert got == numbers(10)
        one.check_sum()

    async def test_what_waits_in_a_mailbox_that_closes_is_sent_again(self, net):
        one = await net.add("n1")
        one.open("a")
        one.open("b")
        for number in numbers(3):
            one.say("a", "b", number)
        await net.rest()
        one.stop("b")
        one.check_sum()
        one.open("b")
        await net.rest()
        assert one.handle("b") == numbers(3)
        one.check_sum()


class TestTwoNodes:
    async def test_the_outbox_forgets_what_was_handled_elsewhere(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        one.open("a")
        two.open("b")
        for number in numbers(20):
            one.say("a", "b@n2", number)
        await net.rest()
        assert two.handle("b") == numbers(20)
        await net.rest()
        assert (rows(one), rows(two, "durable_handled")) == (0, 20)
        for node in net.alive:
            node.check_sum()

    @pytest.mark.parametrize("victim", ["n1", "n2"])
    async def test_a_kill_of_either_in_the_middle_loses_and_doubles_nothing(self, net, victim):
        nodes = {name: await net.add(name) for name in ("n1", "n2")}
        one, two = nodes.values()
        one.open("a")
        two.open("b")
        two.open("book")
        book = []
        for round_ in range(6):
            for number in numbers(5, start=5 * round_):
                one.say("a", "b@n2", number)
            await net.rest()
            frames = two.boxes["b"].take(1, 1 << 40)  # one is handled, and the disk does not know of it
            assert len(frames) == 1
            two.router.accept("b#1.1@n2", [letter("book", (decode(frames[0]).content or b"").decode())])
            await nodes[victim].kill()
            await nodes[victim].start()
            one.open("a") if victim == "n1" else two.open("b")
            if victim == "n2":
                two.open("book")
            else:
                two.boxes["b"].settle(1)
            for node in net.alive:
                node.durable.handle_member(victim, round_ + 2, is_live=True)
            await net.rest()
            two.handle("b", lambda said: [letter("book", (said.content or b"").decode())])
            await net.rest()
            book += two.handle("book")
            await net.rest()
        await net.pass_time(5)
        two.handle("b", lambda said: [letter("book", (said.content or b"").decode())])
        await net.rest()
        book += two.handle("book")
        await net.rest()
        assert book == numbers(30)
        assert (rows(one), rows(two)) == (0, 0)

    async def test_what_a_cut_wire_loses_is_found_out_by_asking(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        one.open("a")
        two.open("b")
        net.wires.cut.add(("n1", "n2"))
        for number in numbers(5):
            one.say("a", "b@n2", number)
        await net.rest()
        assert net.wires.lost == 5
        net.wires.cut.clear()
        await net.pass_time(5)
        assert two.handle("b") == numbers(5)
        await net.rest()
        assert rows(one) == 0

    async def test_news_of_what_was_handled_that_is_lost_is_told_again(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        one.open("a")
        two.open("b")
        one.say("a", "b@n2", "hi")
        await net.rest()
        net.wires.cut.add(("n1", "n2"))
        assert two.handle("b") == ["hi"]
        await net.rest()
        assert rows(one) == 1
        net.wires.cut.clear()
        await net.pass_time(1)
        assert rows(one) == 0
        assert two.handle("b") == []

    async def test_one_that_comes_before_its_predecessor_is_not_taken(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        one.open("a")
        two.open("b")
        net.wires.cut.add(("n1", "n2"))
        one.say("a", "b@n2", "1")
        await net.rest()
        net.wires.cut.clear()
        one.say("a", "b@n2", "2")
        await net.rest()
        assert two.handle("b") == []
        await net.pass_time(1)
        assert two.handle("b") == ["1", "2"]
        two.check_sum()

    async def test_a_message_for_an_agent_that_has_moved_is_handled_there(self, net):
        nodes = [await net.add(name) for name in ("n1", "n2", "n3")]
        one, two, three = nodes
        one.open("a")
        two.open("b")
        route(one, "b", "n2")
        for number in numbers(3):
            one.say("a", "b", number)
        await net.rest()
        two.stop("b")
        three.open("b")
        route(one, "b", "n3")
        await net.pass_time(3)
        assert three.handle("b") == numbers(3)
        await net.rest()
        assert rows(one) == 0
        for node in nodes:
            node.check_sum()

    async def test_what_another_node_has_still_is_not_sent_elsewhere(self, net):
        one, two, three = [await net.add(name) for name in ("n1", "n2", "n3")]
        one.open("a")
        two.open("b")
        route(one, "b", "n2")
        one.say("a", "b", "1")
        await net.rest()
        three.open("b")
        route(one, "b", "n3")
        one.durable.handle_member("n3", 2, is_live=True)
        one.say("a", "b", "2")
        await net.pass_time(2)
        assert two.handle("b") == ["1"]
        await net.pass_time(2)
        assert three.handle("b") == ["2"]

    async def test_handled_messages_of_a_node_that_never_comes_back_are_forgotten_in_the_end(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        one.open("a")
        two.open("b")
        one.say("a", "b@n2", "hi")
        await net.rest()
        await one.kill()
        two.handle("b")
        await net.rest()
        await net.pass_time(700_000, step_s=100_000)  # a week, an hour, and more
        assert two.durable.remembered == 0
        await net.rest()
        assert rows(two, "durable_handled") == 0

    async def test_handled_messages_are_forgotten_when_their_origin_knows(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        one.open("a")
        two.open("b")
        one.say("a", "b@n2", "hi")
        await net.rest()
        two.handle("b")
        await net.rest()
        assert two.durable.remembered == 1
        await net.pass_time(PATIENT.settled_s + 60, step_s=20)
        assert (two.durable.remembered, rows(two, "durable_handled")) == (0, 0)

    async def test_far_too_many_handled_messages_are_forgotten_though_their_origin_is_gone(self, net):
        few = replace(PATIENT, marks_max=2)
        one, two = await net.add("n1"), await net.add("n2", few)
        one.open("a")
        two.open("b")
        for number in numbers(6):
            one.say("a", "b@n2", number)
        await net.rest()
        await one.kill()
        assert two.handle("b") == numbers(6)
        await net.rest()
        assert two.durable.remembered == 6
        await net.pass_time(40, step_s=20)
        assert (two.durable.remembered, rows(two, "durable_handled")) == (4, 4)


class TestAHostileMember:
    async def test_it_cannot_have_a_message_refused_that_is_not_its_own(self, net):
        one, two, three = [await net.add(name) for name in ("n1", "n2", "n3")]
        one.open("a")
        two.open("b")
        one.say("a", "b@n2", "hi")
        await one.durable.stored()
        (copy,) = one.durable._outbox.entries
        question = msgspec.msgpack.encode(Question([copy], renounce=True))
        await three.peers.request("n2", FATES, question, 1.0)
        await net.rest()
        assert two.handle("b") == ["hi"]

    async def test_it_cannot_take_out_of_an_outbox_what_has_never_left_it(self, net):
        one, three = await net.add("n1"), await net.add("n3")
        one.open("a")
        one.open("b")
        one.say("a", "later", "waits")
        one.say("a", "b", "is here")
        await net.rest()
        report = msgspec.msgpack.encode(Report(list(one.durable._outbox.entries), []))
        await three.peers.request("n1", HANDLED, report, 1.0)
        assert (one.durable.waiting, rows(one)) == (2, 2)

    async def test_it_cannot_send_in_the_name_of_another_nodes_outbox(self, net):
        one, two = await net.add("n1"), await net.add("n2")
        await net.add("n3")
        one.open("a")
        two.open("b")
        one.say("a", "b@n2", "true")
        await one.durable.stored()
        ((_, _, frames),) = net.wires.mail
        forged = msgspec.structs.replace(decode(frames[0]), content=b"forged")
        two.router.accept_remote("n3", [encode(forged)])
        assert two.router.counts().malformed == 1
        await net.rest()
        assert two.handle("b") == ["true"]
        two.check_sum()

    async def test_origins_that_it_invents_take_up_no_more_than_so_much(self, net, monkeypatch):
        monkeypatch.setattr(reports, "ORIGINS_MAX", 3)
        monkeypatch.setattr(reports, "UNTOLD_MAX", 2)
        one = await net.add("n1")
        net.wires.dead.update(f"x{number}" for number in range(5))
        told = one.durable.reception.reports
        for number in range(5):
            for copy in range(4):
                told.tell_handled(f"x{number}", bytes([copy]) * 16)
        assert list(told._mail) == ["x2", "x3", "x4"]
        assert list(told._mail["x4"].handled) == [b"\2" * 16, b"\3" * 16]


async def test_the_pump_outlives_a_bug_and_nothing_is_lost(net, monkeypatch):
    one = await net.add("n1")
    one.open("a")
    one.open("b")
    commit, troubles = one.durable._disk.commit, [LookupError("a bug")]

    async def commit_later(statements):
        if troubles:
            raise troubles.pop()
        await commit(statements)

    monkeypatch.setattr(one.durable._disk, "commit", commit_later)
    monkeypatch.setattr("caxton_node.messaging.durable.pump.PAUSE_S", 0.0)
    one.say("a", "b", "hi")
    with pytest.raises(StoreFailed, match="nothing was written"):
        await one.durable.stored()
    await net.rest()
    assert one.handle("b") == ["hi"]


def route(node, name, where):
    node.routes.replace(f"default/{name}", [Target(f"{name}#1.1@{where}", where)])


async def handled_later(net, node, name="b"):
    """Let time pass until nothing comes any more; return what was handled meanwhile."""
    got = []
    for _ in range(20):
        await net.pass_time(0.5)
        got += node.handle(name)
    await net.rest()
    return got
