import pytest

from caxton_node.messaging import Mailbox

pytestmark = pytest.mark.story("002")


class Bell:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.rung = 0

    def __call__(self) -> None:
        self.rung += 1


def frames(*names: str) -> list[bytes]:
    return [name.encode() for name in names]


def test_mail_comes_out_oldest_first_within_count_and_bytes() -> None:
    box = Mailbox(10)
    box.put_all(frames("aaaa", "bbbb", "cccc"), None)
    assert box.take(2, 100) == frames("aaaa", "bbbb")
    assert box.take(2, 100) == frames("cccc")
    assert box.take(2, 100) == []


def test_at_least_one_message_comes_out_however_large_it_is() -> None:
    box = Mailbox(10)
    box.put_all(frames("large-one", "b", "c"), None)
    assert box.take(10, 3) == frames("large-one")
    assert box.take(10, 2) == frames("b", "c")


def test_what_does_not_fit_the_bytes_stays_in_order() -> None:
    box = Mailbox(10)
    box.put_all(frames("aa", "bb", "cc"), None)
    assert box.take(10, 5) == frames("aa", "bb")
    assert box.take(10, 5) == frames("cc")


def test_the_owner_is_woken_when_mail_begins_to_wait_and_not_for_every_message() -> None:
    bell = Bell()
    box = Mailbox(10, bell)
    box.put(b"a")
    box.put(b"b")
    assert bell.rung == 1
    box.take(10, 100)
    box.put(b"c")
    assert bell.rung == 2


def test_connecting_a_worker_wakes_it_for_mail_that_waits_already() -> None:
    box, bell = Mailbox(10), Bell()
    box.connect(bell)
    assert bell.rung == 0
    box.put(b"a")
    box.connect(bell)
    assert bell.rung == 2


def test_a_full_mailbox_refuses_those_who_cannot_be_paused() -> None:
    box = Mailbox(2)
    assert box.put(b"a")
    assert box.put_all(frames("b", "c", "d"), None) == 1
    assert not box.put(b"e")
    assert len(box) == 2


def test_bytes_are_bounded_as_well() -> None:
    box = Mailbox(10, bytes_max=5)
    assert box.put_all(frames("aaa", "bb", "c"), None) == 2
    box.take(1, 100)
    assert box.put(b"ccc")


def test_put_back_goes_to_the_head_in_order_even_over_the_depth() -> None:
    box = Mailbox(2)
    box.put_all(frames("a", "b"), None)
    taken = box.take(2, 100)
    box.put_all(frames("c", "d"), None)
    box.put_back(taken)
    assert box.take(10, 100) == frames("a", "b", "c", "d")


def test_messages_are_in_flight_until_they_are_settled() -> None:
    box = Mailbox(10)
    box.put_all(frames("a", "b", "c", "d"), None)
    box.take(3, 100)
    assert (box.in_flight, box.delivered) == (4, 0)
    box.settle(1, poisoned=1)
    box.put_back(frames("c"))
    assert (box.in_flight, box.delivered) == (2, 1)


def test_waiting_times_are_counted_for_every_message_once() -> None:
    box = Mailbox(10)
    box.put_all(frames("a", "b", "c"), None)
    box.put(b"d")
    box.take(2, 100)
    assert box.latency.count == 2
    box.take(2, 100)
    assert box.latency.count == 4


def test_closing_returns_what_waits_and_takes_no_more() -> None:
    box = Mailbox(10)
    box.put_all(frames("a", "b"), None)
    assert box.close() == frames("a", "b")
    assert not box.put(b"c")
    assert box.in_flight == 0


class TestBackPressure:
    """What happens between two agents of one node when the receiver is full."""

    def test_a_local_sender_gets_its_turn_through_and_is_then_paused(self) -> None:
        sender, receiver = Mailbox(4), Mailbox(4)
        sender.put(b"work")
        assert receiver.put_all(frames("a", "b", "c", "d", "e"), sender) == 5
        assert sender.ready == 0
        assert sender.take(1, 100) == []
        assert len(sender) == 1

    def test_it_goes_on_when_half_of_the_depth_is_free_and_is_woken_then(self) -> None:
        bell = Bell()
        sender, receiver = Mailbox(4, bell), Mailbox(4)
        sender.put(b"work")
        receiver.put_all(frames("a", "b", "c", "d", "e"), sender)
        receiver.take(2, 100)
        assert (sender.ready, bell.rung) == (0, 1)
        receiver.take(1, 100)
        assert (sender.ready, bell.rung) == (1, 2)

    def test_mail_that_comes_for_a_paused_agent_does_not_wake_it(self) -> None:
        bell = Bell()
        sender, receiver = Mailbox(4, bell), Mailbox(1)
        receiver.put_all(frames("a", "b"), sender)
        sender.put(b"work")
        assert bell.rung == 0
        receiver.take(2, 100)
        assert bell.rung == 1

    def test_a_turn_may_be_much_larger_than_the_depth_and_a_second_sender_has_its_turn_too(self) -> None:
        receiver, one, two = Mailbox(3), Mailbox(1), Mailbox(1)
        one.put(b"work")
        assert receiver.put_all([b"x"] * 500, one) == 500
        assert receiver.put_all([b"x"] * 500, one) == 500
        assert receiver.put_all([b"x"] * 500, two) == 500
        assert not receiver.put(b"x")
        assert one.ready == 0

    def test_twice_the_bytes_are_the_end_for_everybody(self) -> None:
        receiver = Mailbox(3, bytes_max=10)
        assert receiver.put_all([b"1234"] * 9, Mailbox(1)) == 5
        assert receiver.put_all([b"1234"], Mailbox(1)) == 0

    def test_an_agent_that_fills_its_own_mailbox_is_refused_since_it_would_wait_for_itself(self) -> None:
        box = Mailbox(2)
        assert box.put_all([b"x"] * 4, box) == 2
        assert box.ready == 2

    def test_a_circle_of_full_mailboxes_is_refused_where_it_would_close(self) -> None:
        a, b, c = Mailbox(2), Mailbox(2), Mailbox(2)
        assert b.put_all([b"x"] * 3, a) == 3
        assert c.put_all([b"x"] * 3, b) == 3
        assert a.put_all([b"x"] * 3, c) == 2
        assert (a.ready, b.ready, c.ready) == (0, 0, 3)

    def test_patience_ends_and_the_receiver_refuses_until_it_has_room(self) -> None:
        sender, receiver = Mailbox(2), Mailbox(2)
        sender.put(b"work")
        receiver.put_all([b"x"] * 3, sender)
        assert sender.paused_for_s > 0
        sender.resume_impatient()
        assert (sender.ready, sender.paused_for_s) == (1, 0)
        assert receiver.put_all([b"y"], sender) == 0
        receiver.take(3, 100)
        assert receiver.put_all([b"y"] * 3, sender) == 3

    def test_a_receiver_that_closes_lets_its_senders_go_on(self) -> None:
        sender, receiver = Mailbox(2), Mailbox(2)
        sender.put(b"work")
        receiver.put_all([b"x"] * 3, sender)
        receiver.close()
        assert sender.ready == 1

    def test_a_sender_that_waits_for_another_by_now_is_not_woken_by_the_first(self) -> None:
        sender, first, second = Mailbox(2), Mailbox(2), Mailbox(2)
        sender.put(b"work")
        first.put_all([b"x"] * 3, sender)
        sender.resume_impatient()
        second.put_all([b"x"] * 3, sender)
        first.take(3, 100)
        assert sender.ready == 0
        second.take(3, 100)
        assert sender.ready == 1
