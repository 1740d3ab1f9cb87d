"""Dead letters on the disk of a node: real router, real guests, real SQLite."""

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest

from caxton_node.core.errors import NotFound
from caxton_node.core.ids import Address
from caxton_node.fipa import Envelope, FailureReason, Performative, encode
from caxton_node.messaging import Mailbox
from caxton_node.messaging.dead_letters import DeadLetter
from caxton_node.messaging.letter_shelf import KeepingSettings
from caxton_node.messaging.letters import Sought, mark_of
from caxton_node.messaging.second_delivery import Resent
from caxton_node.storage import WriteRefused
from tests.support.clock import HandClock
from tests.support.data_plane import DataPlane, until
from tests.support.guests import faulty, wat
from tests.support.letters import ALL, Passing, open_desk

pytestmark = pytest.mark.story("002")
FULL, LOST = FailureReason.MAILBOX_FULL, FailureReason.NO_SUCH_AGENT
SENDER = "a#1.1@node-1"


@pytest.fixture
async def plane():
    with DataPlane() as plane:
        yield plane


@pytest.fixture
def say(plane):
    """Let an agent of node-1 say something; nobody reads what comes back to it."""

    def say(receiver: str, content: bytes = b"hi", **fields: object) -> None:
        said = Envelope(Performative.REQUEST, None, receiver, content, language="text", **fields)
        plane.router.accept(SENDER, [encode(said)])

    plane.router.add_mailbox(SENDER, Mailbox(10_000))
    return say


def letter(number: int, reason: FailureReason = LOST, size: int = 0, receiver: str = "b") -> DeadLetter:
    message_id = number.to_bytes(16, "big")
    frame = encode(
        Envelope(Performative.INFORM, "a@node-1", receiver, bytes(size), message_id=message_id, sent_at=1)
    )
    return DeadLetter(number * 1_000_000, reason, "so it is", receiver, frame)


def ids(letters) -> list[int]:
    return [found.id for found in letters]


class TestKeeping:
    async def test_letters_outlive_the_node_with_all_that_is_known_of_them(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path):
            say("nobody", b'{"n": 1}', conversation_id="talk-1")
        async with open_desk(plane.router, tmp_path) as desk:
            (found,) = await desk.all()
            whole = await desk.office.get(found.id)
        facts = found.facts
        assert (facts.reason, facts.receiver, facts.sender) == ("no-such-agent", "nobody", "a@node-1")
        assert (facts.performative, facts.conversation_id) == ("request", "talk-1")
        assert facts.detail
        assert whole.frame is not None
        assert (len(whole.frame), b'{"n": 1}' in whole.frame) == (facts.size_bytes, True)

    async def test_the_keeper_writes_them_down_by_itself(self, plane: DataPlane, say, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            say("nobody")
            assert len(plane.router.dead_letters) == 1
            await until(lambda: len(plane.router.dead_letters) == 0 and desk.office.kept == 1)
            ((count,),) = await desk.database.read("SELECT count(*) FROM dead_letters")
        assert count == 1

    async def test_a_number_is_never_given_twice(self, plane: DataPlane, say, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            say("nobody")
            (first,) = await desk.all()
            await desk.office.drop(Sought(ids=(first.id,)))
        async with open_desk(plane.router, tmp_path) as desk:
            say("nobody")
            (second,) = await desk.all()
            assert second.id > first.id
            with pytest.raises(NotFound, match=f"no dead letter {first.id}"):
                await desk.office.get(first.id)

    async def test_the_oldest_make_room_by_count_and_by_bytes_and_are_counted(
        self, plane: DataPlane, tmp_path: Path
    ) -> None:
        large = letter(8, size=10_000)
        settings = KeepingSettings(count_max=5, bytes_max=len(large.frame))
        async with open_desk(plane.router, tmp_path, settings=settings) as desk:
            for number in range(8):
                plane.router.dead_letters.add(letter(number, FULL if number < 2 else LOST))
            assert ids(await desk.all()) == [8, 7, 6, 5, 4]
            plane.router.dead_letters.add(large)
            assert ids(await desk.all()) == [9]
            counts = desk.office.counts()
            assert (counts[FULL].total, counts[FULL].kept, counts[FULL].forgotten) == (2, 0, 2)
            assert (counts[LOST].total, counts[LOST].kept, counts[LOST].forgotten) == (7, 1, 6)
            assert desk.office.kept == 1

    async def test_a_letter_larger_than_all_that_is_kept_drives_nobody_out(
        self, plane: DataPlane, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path, settings=KeepingSettings(bytes_max=5_000)) as desk:
            plane.router.dead_letters.add(letter(1))
            plane.router.dead_letters.add(letter(2, FULL, size=6_000))
            assert [found.facts.reason for found in await desk.all()] == [LOST]
            assert desk.office.counts()[FULL].forgotten == 1

    async def test_who_keeps_none_has_none_on_the_disk(self, plane: DataPlane, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path, settings=KeepingSettings(count_max=0)) as desk:
            plane.router.dead_letters.add(letter(1))
            assert await desk.all() == []
            assert (
                await desk.database.read("SELECT seq FROM sqlite_sequence WHERE name = 'dead_letters'") == []
            )
            assert desk.office.counts()[LOST].forgotten == 1

    async def test_what_is_older_than_it_may_grow_goes(self, plane: DataPlane, tmp_path: Path) -> None:
        clock = HandClock(unix_s=100.0)
        settings = KeepingSettings(age_max_s=95.0)
        async with open_desk(plane.router, tmp_path, clock=clock, settings=settings) as desk:
            for number in (3, 6):
                plane.router.dead_letters.add(letter(number))
            await desk.office.flush()
            await desk.office.expire()
            assert [found.facts.at_unix_us for found in await desk.all()] == [6_000_000]
            assert desk.office.counts()[LOST].forgotten == 1

    async def test_what_the_disk_does_not_take_waits_for_it(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            await refuse_letters(desk.database)
            say("nobody")
            assert await desk.all() == []
            assert len(plane.router.dead_letters) == 1
            await desk.database.write("DROP TRIGGER full")
            assert len(await desk.all()) == 1

    async def test_a_flood_costs_what_waits_and_no_more(self, plane: DataPlane, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path, settings=KeepingSettings(count_max=1_000)) as desk:
            frame = letter(1)
            flooding = [
                threading.Thread(target=lambda: [plane.router.dead_letters.add(frame) for _ in range(50_000)])
                for _ in range(2)
            ]
            for thread in flooding:
                thread.start()
            while any(thread.is_alive() for thread in flooding):
                assert len(await desk.office.page(ALL, count_max=10)) <= 10
            assert len(await desk.all()) == 1_000
            counts = desk.office.counts()[LOST]
            assert (counts.total, counts.kept, counts.forgotten) == (100_000, 1_000, 99_000)


async def refuse_letters(database) -> None:
    """Make SQLite refuse every new letter, as a full disk would."""
    await database.write(
        "CREATE TRIGGER full BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(ABORT, 'no room'); END"
    )


class TestChoosing:
    @pytest.mark.parametrize(
        ("sought", "found"),
        [
            (ALL, [4, 3, 2, 1]),
            (Sought(reason="mailbox-full"), [3]),
            (Sought(receiver=Address("default/b")), [3, 2, 1]),
            (Sought(receiver=Address("default/b", "n2")), [2]),
            (Sought(sender=Address("default/a")), [4, 3, 2, 1]),
            (Sought(sender=Address("default/a", "node-2")), []),
            (Sought(since_unix_us=3_000_000), [4, 3]),
            (Sought(ids=(1, 4, 99)), [4, 1]),
            (Sought(ids=(1, 4), receiver=Address("acme/c")), [4]),
            (Sought(conversation_id="talk-9"), []),
            (Sought(reason="it's"), []),
        ],
    )
    async def test_letters_are_found_by_what_they_have_in_common(
        self, plane: DataPlane, tmp_path: Path, sought: Sought, found: list[int]
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            for number, (reason, receiver) in enumerate(
                ((LOST, "b"), (LOST, "default/b@n2"), (FULL, "b"), (LOST, "acme/c")), 1
            ):
                plane.router.dead_letters.add(letter(number, reason, receiver=receiver))
            assert ids(await desk.office.page(sought)) == found

    async def test_pages_follow_one_another(self, plane: DataPlane, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            for number in range(5):
                plane.router.dead_letters.add(letter(number))
            first = await desk.office.page(ALL, count_max=2)
            second = await desk.office.page(ALL, before=first[-1].id, count_max=10)
            assert (ids(first), ids(second)) == ([5, 4], [3, 2, 1])

    async def test_a_page_leaves_large_envelopes_out(self, plane: DataPlane, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            plane.router.dead_letters.add(letter(1, size=100_000))
            (found,) = await desk.all()
            assert found.frame is None
            assert len((await desk.office.get(found.id)).frame or b"") == found.facts.size_bytes > 100_000

    async def test_what_is_dropped_is_gone_and_counted_as_neither_kept_nor_forgotten(
        self, plane: DataPlane, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            for number in range(4):
                plane.router.dead_letters.add(letter(number, FULL if number % 2 else LOST))
            assert await desk.office.drop(Sought(reason="mailbox-full")) == 2
            assert ids(await desk.all()) == [3, 1]
            with pytest.raises(NotFound):
                await desk.office.drop(Sought(ids=(2, 4)))
            assert await desk.office.drop(ALL) == 2
            assert desk.office.counts()[FULL].forgotten == desk.office.kept == 0


class TestSendingAgain:
    async def test_a_message_arrives_with_its_id_and_sender_once_its_receiver_is_there(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        passing = Passing(plane.router)
        async with open_desk(plane.router, tmp_path) as desk:
            say("echo", b"late", conversation_id="talk-1")
            (found,) = await desk.all()
            echo = plane.add("echo", wat("echo"))
            assert await desk.office.send_again(Sought(ids=(found.id,)), count_max=10) == Resent(sent=1)
            await until(lambda: echo.handled == 1)
            assert await desk.all() == []
        (arrived,) = passing.to("echo")
        assert (arrived.message_id, arrived.sender, arrived.content) == (
            found.facts.message_id, "a@node-1", b"late"
        )  # fmt: skip
        assert mark_of(arrived).times == 1

    async def test_a_request_within_its_protocol_is_answered_within_it_after_all(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        passing = Passing(plane.router)
        async with open_desk(plane.router, tmp_path) as desk:
            say("echo", conversation_id="talk-1", protocol="fipa-request", reply_with="r-1")
            plane.add("echo", wat("echo"))
            assert await desk.office.send_again(ALL, count_max=10) == Resent(sent=1)
            await until(lambda: len(passing.to("a@node-1")) == 2)
        told = [(envelope.performative.word, envelope.in_reply_to) for envelope in passing.to("a@node-1")]
        assert told == [("failure", "r-1"), ("inform", "r-1")]

    async def test_order_is_kept_and_the_rest_waits_for_the_next_time(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        passing = Passing(plane.router)
        async with open_desk(plane.router, tmp_path) as desk:
            for number in range(600):
                say("echo", b"%d" % number, conversation_id="talk-1")
            echo = plane.add("echo", wat("echo"))
            sought = Sought(reason="no-such-agent", receiver=Address("default/echo"))
            assert await desk.office.send_again(sought, count_max=500) == Resent(sent=500, left=100)
            assert await desk.office.send_again(sought, count_max=500) == Resent(sent=100)
            await until(lambda: echo.handled == 600)
        assert [envelope.content for envelope in passing.to("echo")] == [b"%d" % n for n in range(600)]

    async def test_what_is_refused_again_is_a_new_letter_that_says_so(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            say("nobody")
            for times in (1, 2):
                (found,) = await desk.all()
                sent = await desk.office.send_again(Sought(ids=(found.id,)), count_max=10)
                assert sent == Resent(sent=1, came_back=1)
                (back,) = await desk.all()
                assert back.id > found.id
                assert (back.facts.sent_again, back.facts.message_id) == (times, found.facts.message_id)
                assert back.facts.sent_again_unix_ms > 0

    async def test_a_mailbox_takes_what_fits_and_the_others_come_back(
        self, plane: DataPlane, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            for number in range(10):
                plane.router.dead_letters.add(letter(number, FULL))
            box = Mailbox(4)
            plane.router.add_mailbox("b#1.1@node-1", box)
            sought = Sought(reason="mailbox-full", sender=Address("default/a"))
            assert await desk.office.send_again(sought, count_max=10) == Resent(sent=10, came_back=6)
            left = [found.facts.message_id[-1] for found in await desk.all() if found.facts.sender != "ams"]
            assert (len(box), sorted(left)) == (4, [4, 5, 6, 7, 8, 9])

    async def test_a_failure_about_a_sender_that_is_gone_does_not_go_round(
        self, plane: DataPlane, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            plane.router.dead_letters.add(letter(1))
            first = await desk.office.send_again(ALL, count_max=10)
            assert first == Resent(sent=1, came_back=1)
            acts = sorted(found.facts.performative for found in await desk.all())
            assert acts == ["failure", "inform"]
            second = await desk.office.send_again(ALL, count_max=10)
            assert second == Resent(sent=1, came_back=1, skipped=1)
            failure = next(found for found in await desk.all() if found.facts.sender == "ams")
            by_name = await desk.office.send_again(Sought(ids=(failure.id,)), count_max=10)
            assert by_name == Resent(sent=1, came_back=1)
            counts = plane.router.counts()
            assert counts.accepted == counts.settled

    async def test_a_poisoned_message_comes_back_as_often_as_it_is_sent(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            plane.add("faulty", faulty())
            say("faulty", b"trap")
            await until(lambda: len(plane.lost) == 1)
            (found,) = await desk.all()
            assert found.facts.reason == "trapped"
            assert await desk.office.send_again(Sought(ids=(found.id,)), count_max=1) == Resent(sent=1)

    async def test_what_lost_its_content_stays(self, plane: DataPlane, tmp_path: Path) -> None:
        plane.router.add_mailbox(SENDER, Mailbox(10), content_bytes_max=10)
        async with open_desk(plane.router, tmp_path) as desk:
            plane.router.accept(SENDER, [encode(Envelope(Performative.INFORM, None, "b", b"%011d" % 1))])
            assert await desk.office.send_again(ALL, count_max=10) == Resent(skipped=1)
            assert len(await desk.all()) == 1

    async def test_a_number_that_is_not_kept_is_told(self, plane: DataPlane, tmp_path: Path) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            with pytest.raises(NotFound, match="no dead letter 7"):
                await desk.office.send_again(Sought(ids=(7,)), count_max=10)
            assert await desk.office.send_again(ALL, count_max=10) == Resent()

    async def test_a_node_that_dies_on_the_way_lists_what_it_sent_as_sent(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            say("nobody")
            (found,) = await desk.all()
            await refuse_letters(desk.database)
            with pytest.raises(WriteRefused):
                await desk.office.send_again(Sought(ids=(found.id,)), count_max=10)
            (still,) = await desk.office.page(Sought(ids=(found.id,)))
            assert (still.facts.sent_again, len(plane.router.dead_letters)) == (1, 1)
            await desk.database.write("DROP TRIGGER full")
            assert len(await desk.all()) == 2

    async def test_it_is_done_to_its_end_when_its_caller_leaves(
        self, plane: DataPlane, say, tmp_path: Path
    ) -> None:
        async with open_desk(plane.router, tmp_path) as desk:
            for _ in range(600):
                say("echo")
            await desk.office.flush()
            echo = plane.add("echo", wat("echo"))
            asking = asyncio.create_task(desk.office.send_again(ALL, count_max=1_000))
            await until(lambda: echo.handled > 0)
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            await desk.office.flush()
            await until(lambda: echo.handled == 600)
            assert [found for found in await desk.all() if found.facts.receiver == "echo"] == []
