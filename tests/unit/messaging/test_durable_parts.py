"""The pure parts of durable messages: what is written into them, the queues, and what is known of others'."""

import msgspec
import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa import BrokenRule, Envelope, Performative
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.messaging.durable.header import (
    DURABLE,
    OUTBOX,
    ROOM,
    Passage,
    check_durable,
    copy_of,
    is_durable,
    is_foreign,
    make_durable,
    passage_of,
    with_passage,
)
from caxton_node.messaging.durable.inbox import Inbox, Verdict
from caxton_node.messaging.durable.outbox import Entry, Outbox
from caxton_node.messaging.durable.reports import Question, Report, read_question, read_report
from caxton_node.messaging.hops import count_hop
from caxton_node.messaging.tags import RESENT, tag_of

pytestmark = pytest.mark.story("022")

pack = msgspec.msgpack.encode


def envelope(receiver="b", message_id=bytes(16), **headers):
    raw = {name: msgspec.Raw(pack(value)) for name, value in headers.items()}
    return Envelope(Performative.INFORM, "a@n1", receiver, b"hi", message_id=message_id, headers=raw or None)


def entry(number, talk="talk", size=10):
    return Entry(bytes([number]) * 16, ("a", "b", talk), bytes(size), 1_000 + number)


def fill(outbox, entries):
    """Add entries of one talk and return that."""
    (talk,) = {id(talk): talk for talk in map(outbox.add, entries)}.values()
    return talk


RUBBISH = [b"", b"\xc0", pack([]), pack([["x"], []]), pack([[b"short"], []]), pack([[b"1" * 16] * 3_000, []])]


class TestHeader:
    def test_only_true_is_durable(self):
        assert is_durable(envelope(durable=True))
        assert not is_durable(envelope(durable=False))
        assert not is_durable(envelope())

    @pytest.mark.parametrize("value", ["true", 1, None, [True], b"\xc3"])
    def test_what_is_no_boolean_breaks_a_rule(self, value):
        with pytest.raises(BrokenRule, match="durable is true or false"):
            check_durable(envelope(durable=value))

    def test_there_must_be_room_for_what_the_host_adds(self):
        most = {f"x{number}": 1 for number in range(HEADERS_MAX - ROOM - 1)}
        check_durable(envelope(durable=True, **most))
        check_durable(envelope(durable=False, one_more=1, **most))
        with pytest.raises(BrokenRule, match="60 headers are allowed"):
            check_durable(envelope(durable=True, one_more=1, **most))

    def test_both_sides_compute_the_same_copy_and_what_is_sent_again_is_another(self):
        sent = envelope(durable=True)
        assert copy_of(sent) == copy_of(with_passage(sent, "n1", bytes(16)))
        others = [envelope("c"), envelope(message_id=b"\1" * 16), envelope(**{RESENT: [1, 2]})]
        assert len({copy_of(each) for each in (sent, *others)}) == 4

    def test_a_passage_is_read_as_it_was_written_and_makes_a_message_lone(self):
        sent = with_passage(envelope(durable=True), "n1", b"\2" * 16)
        assert passage_of(sent) == Passage(copy_of(sent), "n1", b"\2" * 16)
        tag = tag_of(sent)
        assert tag is not None
        assert tag.lone

    @pytest.mark.parametrize("value", ["n1", [], [1], ["n1", "x"], ["n1", None, 3], {"origin": "n1"}])
    def test_a_passage_that_cannot_be_read_is_none(self, value):
        assert passage_of(envelope(**{OUTBOX: value})) is None

    def test_the_platform_can_let_its_answers_survive(self):
        answer = envelope(other=1)
        make_durable(answer)
        assert is_durable(answer)
        assert set(answer.headers) == {"other", DURABLE}

    def test_a_message_out_of_another_nodes_outbox_is_foreign_unless_it_was_passed_on(self):
        sent = with_passage(envelope(durable=True), "n1", None)
        assert is_foreign(sent, "n2")
        assert not is_foreign(sent, "n1")
        assert not is_foreign(envelope(durable=True), "n2")
        count_hop(sent)
        assert not is_foreign(sent, "n2")


class TestOutbox:
    def test_a_talk_goes_in_order_and_each_names_the_one_before(self):
        outbox = Outbox()
        entries = [entry(number) for number in range(3)]
        talk = fill(outbox, entries)
        assert talk.last is None
        for each in entries:
            assert talk.next_waiting() is each
            talk.launch()
            assert talk.last == each.copy
        assert talk.next_waiting() is None

    def test_a_rewind_lets_all_go_again_that_are_under_way(self):
        outbox = Outbox()
        entries = [entry(number) for number in range(4)]
        talk = fill(outbox, entries)
        for _ in range(3):
            talk.launch()
        outbox.close(entries[1].copy)
        talk.rewind()
        assert list(talk.waiting) == [entries[0], entries[2], entries[3]]
        assert not any(each.is_under_way for each in talk.waiting)
        assert talk.last is None

    def test_what_is_closed_while_it_waits_is_passed_over(self):
        outbox = Outbox()
        entries = [entry(number) for number in range(2)]
        talk = fill(outbox, entries)
        outbox.close(entries[0].copy)
        assert talk.next_waiting() is entries[1]
        assert (len(outbox), outbox.bytes) == (1, 10)
        outbox.close(entries[1].copy)
        assert (len(outbox), outbox.bytes, outbox.talks) == (0, 0, {})

    def test_the_same_message_is_there_once(self):
        outbox = Outbox()
        assert outbox.add(entry(1)) is not None
        assert outbox.add(entry(1)) is None
        assert outbox.close(entry(2).copy) is None

    def test_what_has_expired_and_what_goes_to_a_node_is_found(self):
        outbox = Outbox()
        one, two = entry(1, "one"), entry(2, "two")
        for each in (one, two):
            outbox.add(each).launch()
        two.node = "n2"
        assert list(outbox.expired(1_001)) == [one]
        assert [talk.key[2] for talk in outbox.talks_with("n2")] == ["two"]


class TestInbox:
    def test_a_message_is_taken_once(self):
        inbox = Inbox()
        passage = Passage(b"1" * 16, "n1")
        assert inbox.admit(passage) is Verdict.TAKE
        assert inbox.admit(passage) is Verdict.IN_HAND
        inbox.settle(passage.copy, "n1")
        assert inbox.admit(passage) is Verdict.HANDLED

    def test_none_is_taken_before_its_predecessor(self):
        inbox = Inbox()
        first, second = Passage(b"1" * 16, "n1"), Passage(b"2" * 16, "n1", b"1" * 16)
        assert inbox.admit(second) is Verdict.TOO_EARLY
        assert inbox.admit(second, after_is_known=True) is Verdict.TAKE
        inbox.release(second.copy)
        assert inbox.admit(first) is Verdict.TAKE
        assert inbox.admit(second) is Verdict.TAKE_AGAIN

    def test_what_was_renounced_is_not_taken(self):
        inbox = Inbox()
        inbox.renounce(b"1" * 16, "n1")
        assert inbox.admit(Passage(b"1" * 16, "n1")) is Verdict.RENOUNCED

    def test_nobody_renounces_the_message_of_another_node(self):
        inbox = Inbox()
        inbox.renounce(b"1" * 16, "n2")
        assert inbox.admit(Passage(b"1" * 16, "n1")) is Verdict.TAKE

    def test_of_far_too_many_the_oldest_are_forgotten_though_their_origin_never_knew(self):
        inbox = Inbox()
        copies = [bytes([number]) * 16 for number in range(5)]
        for copy in copies:
            inbox.settle(copy, "n1")
        inbox.note_known(copies[1:2], now=1.0)
        assert inbox.forget_oldest(count_max=5) == []
        assert inbox.forget_oldest(count_max=3) == copies[:2]
        assert list(inbox.handled) == copies[2:]
        assert inbox.forget_settled(before=9.0, count_max=100) == []

    def test_what_its_origin_knows_is_forgotten_after_a_while_or_when_there_is_too_much(self):
        inbox = Inbox()
        copies = [bytes([number]) * 16 for number in range(5)]
        for copy in copies:
            inbox.settle(copy, "n1")
        inbox.note_known(copies[:2], now=1.0)
        inbox.note_known([*copies[1:3], b"x" * 16], now=2.0)
        assert inbox.forget_settled(before=1.5, count_max=100) == copies[:2]
        assert inbox.forget_settled(before=1.5, count_max=2) == [copies[2]]
        assert list(inbox.handled) == copies[3:]
        assert inbox.forget_settled(before=9.0, count_max=0) == []


class TestReports:
    def test_they_are_read_as_they_were_written(self):
        report, question = Report([b"1" * 16], [b"2" * 16]), Question([b"3" * 16], renounce=True)
        assert read_report(pack(report)) == report
        assert read_question(pack(question)) == question

    @pytest.mark.parametrize("read", [read_report, read_question])
    @pytest.mark.parametrize("payload", RUBBISH)
    def test_what_is_none_is_refused(self, read, payload):
        with pytest.raises(InvalidArgument):
            read(payload)
