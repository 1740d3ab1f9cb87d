"""Whatever is cut, wherever a stream is split: the mail arrives once and in order."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from transport import Settings
from transport.chunks import Assembler, split, split_size
from transport.decoder import FrameDecoder
from transport.errors import MalformedFrame
from transport.frames import Frame, FrameType, decode_batch, encode_batch, encode_frame
from transport.messages import decode_farewell, decode_greeting
from transport.session import Inbound, Session
from transport.window import ReceiveWindow, SendWindow

pytestmark = pytest.mark.story("019")
LANES = 3
SMALL = Settings(lanes=LANES, batch_bytes_max=40, batches_unacked_max=4, backlog_bytes_max=4000)
WINDOW, KEPT_MAX, PIECE = 300, 500, 50
UNFINISHED = LANES * 70  # what is being put together from pieces counts once it is whole

frames_lists = st.lists(
    st.builds(
        Frame, st.sampled_from([int(kind) for kind in FrameType]), st.integers(0, 255), st.binary(max_size=80)
    ),
    max_size=12,
)


@given(frames_lists, st.data())
def test_a_stream_may_be_cut_anywhere(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(FrameType(frame.type), frame.lane, frame.payload) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder, found = FrameDecoder(100), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += list(decoder.feed(stream[start:stop]))
    assert found == frames
    assert decoder.held == 0


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_waited_for_and_nothing_else(data: bytes) -> None:
    decoder = FrameDecoder(100)
    try:
        list(decoder.feed(data))
    except MalformedFrame:
        return
    assert decoder.held <= 106


@given(st.binary(max_size=100))
def test_payloads_of_garbage_raise_only_what_they_may(data: bytes) -> None:
    for decode in (decode_batch, decode_greeting):
        try:
            decode(data)
        except MalformedFrame:
            continue
    decode_farewell(data)


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(0, 2**63))
def test_a_batch_comes_back_as_it_was_written(envelopes: list[bytes], sequence: int) -> None:
    assert decode_batch(encode_batch(sequence, envelopes)) == (sequence, envelopes)


@given(st.binary(min_size=8, max_size=500), st.integers(9, 200))
def test_pieces_make_the_whole(payload: bytes, piece_bytes_max: int) -> None:
    data = b"".join(split(FrameType.BATCH, 2, payload, piece_bytes_max))
    assert len(data) == split_size(len(payload), piece_bytes_max)
    assembler = Assembler(1000, 1000)
    joined = [whole for frame in FrameDecoder(1000).feed(data) if (whole := assembler.join(frame))]
    assert joined == [Frame(FrameType.BATCH, 2, payload)]


class MailAcrossBrokenLinks(RuleBasedStateMachine):
    """A sender and a receiver over links that are cut at any byte boundary between frames."""

    @initialize()
    def begin(self) -> None:
        self.session = Session(1, SMALL)
        self.sent: dict[int, list[bytes]] = defaultdict(list)
        self.got: dict[int, list[bytes]] = defaultdict(list)
        self.inbound: Inbound | None = None
        self.number = 0
        self.kept = 0
        self.connect(fresh=False)

    def connect(self, *, fresh: bool) -> None:
        self.session.begin_link(self.inbound.received if self.inbound and not fresh else None)
        if self.inbound is None:
            self.inbound = Inbound(1, 1, self.session.first_sequences())
        self.receive_window = ReceiveWindow(WINDOW, KEPT_MAX, self.kept)
        self.send_window = SendWindow(self.receive_window.granted)
        self.assembler = Assembler(4000, 0)
        self.wire: list[Frame] = []

    @rule(lane=st.integers(0, LANES - 1), sizes=st.lists(st.integers(0, 60), min_size=1, max_size=8))
    def push(self, lane: int, sizes: list[int]) -> None:
        envelopes = []
        for size in sizes:
            self.number += 1
            envelopes.append(b"%06d" % self.number + bytes(size))
        if self.session.held_bytes + sum(map(len, envelopes)) <= SMALL.backlog_bytes_max:
            self.session.push(lane, envelopes)
            self.sent[lane] += envelopes

    @rule()
    def flush(self) -> None:
        for frames in self.session.take_frames(self.send_window, PIECE).values():
            self.wire += list(FrameDecoder(PIECE).feed(b"".join(frames)))

    @rule(count=st.integers(1, 6))
    def deliver(self, count: int) -> None:
        assert self.inbound is not None
        for frame in self.wire[:count]:
            whole, kept = self.assembler.join(frame), 0
            if whole is not None:
                sequence, envelopes = decode_batch(whole.payload)
                if self.inbound.accept(whole.lane, sequence):
                    self.got[whole.lane] += envelopes
                    kept = sum(map(len, envelopes))
            self.kept += kept
            self.receive_window.receive(frame.size)
            self.receive_window.keep(kept)
        del self.wire[:count]

    @rule(share=st.integers(1, 4))
    def handle(self, share: int) -> None:
        done = -(-self.kept // share)
        self.kept -= done
        self.receive_window.release(done)

    @rule()
    def credit(self) -> None:
        assert self.inbound is not None
        self.send_window.extend(self.receive_window.grant())
        self.session.acknowledge(self.inbound.received)

    @rule()
    def cut(self) -> None:
        self.connect(fresh=False)

    @rule()
    def cut_and_welcome_without_memory_of_what_was_received(self) -> None:
        self.connect(fresh=True)

    @invariant()
    def what_came_is_a_beginning_of_what_was_sent(self) -> None:
        for lane, got in self.got.items():
            assert got == self.sent[lane][: len(got)]

    @invariant()
    def what_is_kept_stays_within_its_bound(self) -> None:
        if hasattr(self, "kept"):
            assert self.kept <= KEPT_MAX + UNFINISHED

    def teardown(self) -> None:
        for _ in range(1000):
            self.flush()
            self.deliver(100)
            self.handle(1)
            self.credit()
            if not self.session.has_mail:
                break
        assert {lane: mail for lane, mail in self.got.items() if mail} == {
            lane: mail for lane, mail in self.sent.items() if mail
        }
        assert self.session.held_bytes == 0


TestMailAcrossBrokenLinks = MailAcrossBrokenLinks.TestCase
TestMailAcrossBrokenLinks.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
