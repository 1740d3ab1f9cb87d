import pytest

from caxton_node.api.streams.cursor import Cursor
from caxton_node.api.streams.desk import Desk, DeskBounds, Owner
from caxton_node.api.streams.journal import Window
from caxton_node.core.errors import CursorExpired, Forbidden, InvalidArgument, ResourceLimit

pytestmark = pytest.mark.story("007")

ALICE, BOB = Owner("api-key", "alice"), Owner("api-key", "bob")
METHOD = "ClusterService/WatchMembers"


def desk_of(**bounds):
    return Desk(DeskBounds(**{"grace_s": 60.0, "streams_max": 3, "per_owner_max": 2, **bounds}), Window())


def opened(desk, name, owner=ALICE, now=0.0):
    """Open a stream and read it."""
    stream, forgotten = desk.open(name * 24, owner, METHOD, now)
    return stream, desk.attach(stream, 0), [other.stream_id[0] for other in forgotten]


def test_a_stream_waits_for_its_reader_and_no_longer():
    desk = desk_of()
    stream, turn, _ = opened(desk, "a")
    assert desk.next_expiry_at() is None
    desk.detach(stream, turn, 10.0)
    assert desk.next_expiry_at() == 70.0
    assert desk.expire(69.9) == []
    assert desk.expire(70.0) == [stream]
    with pytest.raises(CursorExpired, match="waits 60 s"):
        desk.find(Cursor("a" * 24, 0), ALICE, METHOD)


def test_only_who_began_it_may_resume_it():
    desk = desk_of()
    stream, _, _ = opened(desk, "a")
    with pytest.raises(Forbidden, match="bob did not begin it"):
        desk.find(Cursor("a" * 24, 0), BOB, METHOD)
    with pytest.raises(Forbidden):
        desk.find(Cursor("a" * 24, 0), Owner("jwt", "alice"), METHOD)
    assert desk.find(Cursor("a" * 24, 0), ALICE, METHOD) is stream


def test_a_cursor_belongs_to_its_operation():
    desk = desk_of()
    opened(desk, "a")
    with pytest.raises(InvalidArgument, match="another operation"):
        desk.find(Cursor("a" * 24, 0), ALICE, "CapabilityService/WatchCapabilities")


def test_the_newer_connection_takes_over_and_the_older_cannot_make_it_wait():
    desk = desk_of()
    stream, old, _ = opened(desk, "a")
    assert desk.attach(stream, 0) == old + 1
    desk.detach(stream, old, 5.0)
    assert desk.next_expiry_at() is None


def test_one_that_nobody_reads_makes_room_for_another_of_its_owner():
    desk = desk_of()
    stream, turn, _ = opened(desk, "a")
    opened(desk, "b")
    desk.detach(stream, turn, 1.0)
    _, _, forgotten = opened(desk, "c")
    assert forgotten == ["a"]


def test_one_that_has_ended_makes_room_first():
    desk = desk_of()
    first, first_turn, _ = opened(desk, "a")
    second, second_turn, _ = opened(desk, "b")
    second.journal.end()
    desk.detach(first, first_turn, 1.0)
    desk.detach(second, second_turn, 2.0)
    assert opened(desk, "c")[2] == ["b"]


def test_those_that_are_read_are_never_given_up():
    desk = desk_of()
    opened(desk, "a")
    opened(desk, "b")
    with pytest.raises(ResourceLimit, match="alice has 2 streams open"):
        opened(desk, "c")


def test_nobody_loses_a_stream_that_may_go_on_to_somebody_else():
    desk = desk_of()
    for name in "ab":
        stream, turn, _ = opened(desk, name)
        desk.detach(stream, turn, 1.0)
    opened(desk, "c", BOB)
    with pytest.raises(ResourceLimit, match="the node has 3"):
        opened(desk, "d", Owner("api-key", "carol"))
    stream.journal.end()
    assert opened(desk, "e", Owner("api-key", "carol"))[2] == ["b"]


def test_the_more_streams_there_are_the_less_each_keeps_behind_its_reader():
    desk = desk_of(behind_bytes_max=200)
    (one, _, _), (other, _, _) = opened(desk, "a"), opened(desk, "b")
    for _ in range(3):
        one.journal.append(b"x" * 60)
    one.journal.take(3)
    assert one.journal.size_bytes == 60
    desk.forget(other)
    for _ in range(3):
        one.journal.append(b"x" * 60)
    one.journal.take(3)
    assert one.journal.size_bytes == 180
