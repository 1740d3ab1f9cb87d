import pytest

from caxton_node.api.streams.cursor import Cursor
from caxton_node.api.streams.journal import Bounds, Event, Journal, Window
from caxton_node.core.errors import CursorExpired, InternalError, InvalidArgument

pytestmark = pytest.mark.story("007")


def empty(events_max=100, size_bytes_max=1000):
    bounds = Bounds(events_max, size_bytes_max)
    return Journal(Window(bounds, bounds))


def journal_of(count, **bounds):
    journal = empty(**bounds)
    for number in range(1, count + 1):
        journal.append(b"%d" % number)
    return journal


def numbers(events):
    return [event.seq for event in events]


def test_events_are_numbered_from_one_and_come_in_order():
    journal = journal_of(3)
    assert journal.take(2) == [Event(1, b"1"), Event(2, b"2")]
    assert journal.take(2) == [Event(3, b"3")]
    assert journal.take(2) == []


def test_a_reader_may_go_back_to_what_was_sent_but_may_not_have_come():
    journal = journal_of(3)
    journal.take(3)
    journal.rewind(1)
    assert numbers(journal.take(9)) == [2, 3]


def test_behind_the_reader_only_so_much_is_kept_and_what_is_gone_is_said():
    journal = journal_of(10, events_max=4)
    journal.take(10)
    assert (journal.first, journal.last) == (7, 10)
    journal.rewind(6)
    with pytest.raises(CursorExpired, match="the oldest that is kept is 7"):
        journal.rewind(5)


def test_what_was_not_read_is_never_let_go():
    journal = journal_of(10, events_max=4)
    assert not journal.has_room
    assert numbers(journal.take(99)) == list(range(1, 11))
    assert journal.has_room


def test_large_events_are_bounded_by_their_size():
    journal = empty(size_bytes_max=10)
    journal.append(b"x" * 8)
    assert journal.has_room
    journal.append(b"x" * 8)
    assert not journal.has_room
    journal.take(2)
    assert (journal.first, journal.size_bytes) == (2, 8)


def test_one_event_is_kept_however_large_it_is():
    journal = empty(size_bytes_max=10)
    journal.append(b"x" * 100)
    journal.take(1)
    journal.rewind(0)
    assert numbers(journal.take(1)) == [1]


def test_a_cursor_of_the_future_is_refused():
    with pytest.raises(InvalidArgument, match="ahead of its stream"):
        journal_of(3).rewind(4)


def test_the_first_end_counts():
    journal = journal_of(0)
    assert not journal.has_news
    journal.end(InternalError("first"))
    journal.end(None)
    assert journal.has_news
    assert str(journal.error) == "first"


def test_a_cursor_is_read_as_it_was_written():
    cursor = Cursor("A" * 24, 17)
    assert Cursor.parse(str(cursor)) == cursor


ID = "A" * 24
NONE = ["", ".", "x.1", ID, f"{ID}.", f"{ID}.-1", f"{ID}.01", f"{ID}.1 ", f"{ID}.1.1", f"{ID}.{'9' * 30}"]


@pytest.mark.parametrize("text", [*NONE, f"{ID}{ID}{ID}.1", f"{'ä' * 24}.1", f"{ID}.\u0661"])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(InvalidArgument, match="cannot be read"):
        Cursor.parse(text)
