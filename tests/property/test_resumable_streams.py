"""A reader that resumes with its last cursor sees all events once and in order, or is told that it is over.

The machine plays the source, the network and the reader around the real desk and journal: events that were
taken are in the buffers of a connection until they come or the connection breaks, and time passes.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from caxton_node.api.streams.cursor import Cursor
from caxton_node.api.streams.desk import Desk, DeskBounds, Owner
from caxton_node.api.streams.journal import Bounds, Window
from caxton_node.core.errors import CursorExpired, Forbidden

pytestmark = pytest.mark.story("007")

ALICE, MALLORY = Owner("api-key", "alice"), Owner("jwt", "alice")
STREAM = "s" * 24
METHOD = "ClusterService/WatchMembers"
BOUNDS = Bounds(events_max=5, size_bytes_max=40)


class ResumedStream(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.desk = Desk(DeskBounds(grace_s=10.0), Window(BOUNDS, BOUNDS))
        self.stream, _ = self.desk.open(STREAM, ALICE, METHOD, self.now)
        self.written = 0
        self.came: list[int] = []
        self.under_way: list = []  # in the buffers of the connection that the reader listens to
        self.turn = self.desk.attach(self.stream, 0)
        self.connected = True
        self.over = ""

    # -- the source ---------------------------------------------------------------------------------------

    @precondition(lambda self: self.stream.journal.has_room and not self.stream.journal.ended)
    @rule(size=st.integers(0, 15))
    def write(self, size):
        self.written += 1
        assert self.stream.journal.append(b"%d" % self.written + b" " * size) == self.written

    @precondition(lambda self: self.written > 3)
    @rule()
    def end(self):
        self.stream.journal.end()

    # -- the network --------------------------------------------------------------------------------------

    @precondition(lambda self: self.connected)
    @rule(count=st.integers(1, 4))
    def send(self, count):
        self.under_way += self.stream.journal.take(count)

    @precondition(lambda self: self.under_way)
    @rule(count=st.integers(1, 4))
    def arrive(self, count):
        for event in self.under_way[:count]:
            assert int(event.data) == event.seq
            self.came.append(event.seq)
        del self.under_way[:count]

    @precondition(lambda self: self.connected)
    @rule()
    def break_connection(self):
        self.desk.detach(self.stream, self.turn, self.now)
        self.under_way.clear()
        self.connected = False

    # -- the reader ---------------------------------------------------------------------------------------

    @precondition(lambda self: not self.over)
    @rule(also_before_the_break_is_noticed=st.booleans())
    def resume(self, also_before_the_break_is_noticed):
        if self.connected and not also_before_the_break_is_noticed:
            return
        old_turn = self.turn
        self.under_way.clear()
        try:
            found = self.desk.find(Cursor(STREAM, len(self.came)), ALICE, METHOD)
            self.turn = self.desk.attach(found, len(self.came))
        except CursorExpired as err:
            self.over, self.connected = err.code, False
            return
        self.connected = True
        assert self.turn > old_turn
        self.desk.detach(
            self.stream, old_turn, self.now
        )  # the node notices only now that the old one is dead
        assert self.stream.detached_at is None

    @rule()
    def somebody_else_tries(self):
        with pytest.raises((Forbidden, CursorExpired)):
            self.desk.find(Cursor(STREAM, 0), MALLORY, METHOD)

    @rule(seconds=st.sampled_from([1.0, 9.0, 11.0]))
    def time_passes(self, seconds):
        self.now += seconds
        for stream in self.desk.expire(self.now):
            assert stream is self.stream
            assert not self.connected

    # -- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def everything_came_once_and_in_order(self):
        assert self.came == list(range(1, len(self.came) + 1))

    @invariant()
    def what_is_kept_is_bounded(self):
        largest = 17
        assert self.stream.journal.last - self.stream.journal.first + 1 <= 2 * BOUNDS.events_max + 1
        assert self.stream.journal.size_bytes <= 2 * BOUNDS.size_bytes_max + 2 * largest

    def teardown(self):
        """In the end the reader has everything, or knows that it has not."""
        self.resume(also_before_the_break_is_noticed=True)
        while not self.over and (self.stream.journal.last > self.stream.journal.given or self.under_way):
            self.send(3)
            self.arrive(2)
        if self.over:
            gone = not len(self.desk)
            assert gone or len(self.came) + 1 < self.stream.journal.first
        else:
            assert len(self.came) == self.written


TestResumedStream = ResumedStream.TestCase
TestResumedStream.settings = settings(max_examples=60, stateful_step_count=40)
