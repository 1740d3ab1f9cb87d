from __future__ import annotations

import random

import pytest

from transport import BacklogFull, Settings, TooLarge
from transport.backoff import pause_s
from transport.bulk import BulkQueue
from transport.chunks import Assembler
from transport.decoder import FrameDecoder
from transport.errors import MalformedFrame
from transport.frames import REQUEST_LANE, FrameType, decode_batch
from transport.session import Inbound, Session
from transport.settings import Profile, TransportChoice
from transport.window import ReceiveWindow, SendWindow

pytestmark = pytest.mark.story("019")
WIDE = 10**9


def sent(frames: dict[int, list[bytes]]) -> dict[int, list[tuple[int, list[bytes]]]]:
    """Read frames that a session gave out: for each lane (sequence, envelopes)."""
    decoder = FrameDecoder(WIDE)
    return {
        lane: [decode_batch(frame.payload) for data in parts for frame in decoder.feed(data)]
        for lane, parts in frames.items()
    }


def take(session: Session, window: SendWindow | None = None) -> dict[int, list[tuple[int, list[bytes]]]]:
    return sent(session.take_frames(window or SendWindow(WIDE), WIDE))


def test_envelopes_of_one_key_share_a_lane_and_a_batch() -> None:
    session = Session(1, Settings())
    session.push(6, [b"a", b"b"])
    session.push(2, [b"c"])
    session.push(3, [b"d"])
    assert take(session) == {2: [(1, [b"a", b"b", b"c"])], 3: [(1, [b"d"])]}
    assert take(session) == {}
    assert session.has_mail
    assert session.held_bytes == 4


def test_a_batch_is_closed_at_its_size_and_numbers_go_up() -> None:
    session = Session(1, Settings(batch_bytes_max=10))
    session.push(0, [b"12345", b"12345", b"1", b"x" * 50, b"2"])
    assert take(session)[0] == [(1, [b"12345", b"12345"]), (2, [b"1"]), (3, [b"x" * 50]), (4, [b"2"])]


def test_what_was_acknowledged_is_forgotten() -> None:
    session = Session(1, Settings(batch_bytes_max=1))
    session.push(0, [b"a", b"b", b"c"])
    take(session)
    session.acknowledge([2, 0, 0, 0])
    assert session.held_bytes == 1
    assert session.first_sequences() == [3, 1, 1, 1]
    session.acknowledge([3, 0, 0, 0])
    session.acknowledge([1, 0, 0, 0])
    assert not session.has_mail


def test_an_acknowledgement_of_what_was_never_sent_is_refused() -> None:
    session = Session(1, Settings())
    with pytest.raises(MalformedFrame, match="batch 1 acknowledged"):
        session.acknowledge([1, 0, 0, 0])
    with pytest.raises(MalformedFrame, match="2 lanes"):
        session.acknowledge([0, 0])


def test_a_new_link_gets_again_what_the_peer_has_not() -> None:
    session = Session(1, Settings(batch_bytes_max=1))
    session.push(0, [b"a", b"b", b"c"])
    take(session)
    session.push(0, [b"d"])
    session.begin_link([1, 0, 0, 0])
    assert take(session)[0] == [(2, [b"b"]), (3, [b"c"]), (4, [b"d"])]
    assert session.resent == 2
    session.begin_link(None)
    assert [number for number, _ in take(session)[0]] == [2, 3, 4]


def test_a_lane_has_a_bounded_number_of_unacknowledged_batches() -> None:
    session = Session(1, Settings(batch_bytes_max=1, batches_unacked_max=2))
    session.push(0, [b"a", b"b", b"c"])
    assert [number for number, _ in take(session)[0]] == [1, 2]
    assert take(session) == {}
    session.acknowledge([1, 0, 0, 0])
    assert [number for number, _ in take(session)[0]] == [3]


def test_credit_bounds_what_leaves_and_lanes_take_turns() -> None:
    session = Session(1, Settings(batch_bytes_max=1))
    for key in range(4):
        session.push(key, [b"x" * 100] * 3)
    window = SendWindow(500)
    first = take(session, window)
    assert sum(map(len, first.values())) == 4
    assert sorted(first) == [0, 1, 2, 3]
    assert take(session, window) == {}
    window.extend(1000)
    assert sum(len(batches) for batches in take(session, window).values()) == 4


def test_a_large_batch_goes_in_pieces_between_which_other_lanes_pass() -> None:
    session, window, assembler = Session(1, Settings()), SendWindow(WIDE), Assembler(WIDE, WIDE)
    session.push(0, [b"x" * 5000])
    session.push(1, [b"y"])
    first = session.take_frames(SendWindow(1200), 1000)
    assert [len(first[0]), len(first[1])] == [1, 1], "one piece, then the other lane"
    rest = session.take_frames(window, 1000)
    frames = [frame for data in (*first[0], *rest[0]) for frame in FrameDecoder(WIDE).feed(data)]
    whole = [joined for frame in frames if (joined := assembler.join(frame)) is not None]
    assert [decode_batch(frame.payload) for frame in whole] == [(1, [b"x" * 5000])]
    session.acknowledge([1, 1, 0, 0])
    assert not session.has_mail


def test_a_batch_that_is_acknowledged_between_its_pieces_is_finished_all_the_same() -> None:
    session = Session(1, Settings())
    session.push(0, [b"x" * 5000])
    session.take_frames(SendWindow(WIDE), WIDE)  # on a link that breaks before the acknowledgement
    session.begin_link(None)
    pieces = session.take_frames(SendWindow(1200), 1000)[0]
    session.acknowledge([1, 0, 0, 0])
    session.push(0, [b"y"])
    frames = session.take_frames(SendWindow(WIDE), 1000)[0]
    assembler = Assembler(WIDE, WIDE)
    decoded = [frame for data in (*pieces, *frames) for frame in FrameDecoder(WIDE).feed(data)]
    whole = [joined for frame in decoded if (joined := assembler.join(frame)) is not None]
    assert [decode_batch(frame.payload) for frame in whole] == [(1, [b"x" * 5000]), (2, [b"y"])]
    session.acknowledge([2, 0, 0, 0])
    assert not session.has_mail


def test_a_crowded_session_is_roomy_again_at_half() -> None:
    session = Session(1, Settings(crowded_bytes=100, batch_bytes_max=1))
    session.push(0, [b"x" * 25] * 4)
    assert (session.is_crowded, session.is_roomy) == (True, False)
    take(session)
    session.acknowledge([1, 0, 0, 0])
    assert (session.is_crowded, session.is_roomy) == (False, False)
    session.acknowledge([2, 0, 0, 0])
    assert session.is_roomy


def test_a_full_backlog_takes_all_or_nothing() -> None:
    session = Session(1, Settings(backlog_bytes_max=10))
    session.push(0, [b"12345"])
    with pytest.raises(BacklogFull):
        session.push(0, [b"123", b"456"])
    assert session.held_bytes == 5
    session.push(0, [b"12345"])


def test_an_envelope_over_its_limit_is_refused_among_good_ones() -> None:
    session = Session(1, Settings(envelope_bytes_max=10))
    session.push(0, [b"123456", b"123456"])
    with pytest.raises(TooLarge, match="11 bytes"):
        session.push(0, [b"1", b"12345678901"])


def test_undelivered_mail_comes_back_in_order_and_is_gone() -> None:
    session = Session(1, Settings(batch_bytes_max=1))
    session.push(0, [b"a", b"b"])
    session.push(1, [b"x"])
    take(session)
    session.acknowledge([1, 0, 0, 0])
    session.push(0, [b"c"])
    assert session.take_undelivered() == [b"b", b"c", b"x"]
    assert (session.has_mail, session.held_bytes) == (False, 0)


def test_a_receiver_drops_what_it_has_seen_and_refuses_gaps() -> None:
    inbound = Inbound(1, 1, [1, 5])
    assert [inbound.accept(0, 1), inbound.accept(0, 1), inbound.accept(0, 2)] == [True, False, True]
    assert [inbound.accept(1, 4), inbound.accept(1, 5)] == [False, True]
    assert inbound.received == [2, 5]
    with pytest.raises(MalformedFrame, match="batch 9 on lane 0 where 3 was due"):
        inbound.accept(0, 9)
    with pytest.raises(MalformedFrame, match="lane 2 of 2"):
        inbound.accept(2, 1)


def test_a_sender_may_send_what_was_granted_and_ignores_older_grants() -> None:
    window = SendWindow(100)
    assert (window.allows(100), window.allows(101)) == (True, False)
    window.spend(60)
    assert (window.allows(40), window.allows(41), window.room) == (True, False, 40)
    window.extend(150)
    window.extend(120)
    assert window.room == 90


def test_a_receiver_tells_at_every_quarter_of_its_window() -> None:
    window = ReceiveWindow(100, 100)
    told = []
    for size in (10, 10, 5):
        window.receive(size)
        told.append(window.is_worth_telling)
    assert told == [False, False, True]
    assert (window.grant(), window.is_worth_telling) == (125, False)


def test_a_receiver_that_keeps_all_it_may_grants_nothing_until_it_has_handled_some() -> None:
    window = ReceiveWindow(100, 150)
    window.receive(60)
    window.keep(60)
    assert window.grant() == 150, "90 more would fill what it may keep"
    window.receive(90)
    window.keep(90)
    assert window.grant() == 150
    assert not window.is_worth_telling
    window.release(30)
    assert window.is_worth_telling
    assert window.grant() == 180


def test_a_sender_that_passes_what_was_granted_is_refused_and_nothing_is_counted() -> None:
    window = ReceiveWindow(100, 150, kept=120, granted=40)
    assert window.granted == 40, "what the greeting said, whatever is kept by now"
    window.receive(40)
    with pytest.raises(MalformedFrame, match="41 bytes were sent where 40 were granted"):
        window.receive(1)
    assert window.received == 40


def test_a_new_link_does_not_buy_another_window() -> None:
    assert ReceiveWindow(100, 150, kept=0).granted == 100
    assert ReceiveWindow(100, 150, kept=120).granted == 30
    assert ReceiveWindow(100, 150, kept=150).granted == 0


def test_small_requests_overtake_large_ones_which_go_one_after_the_other() -> None:
    queue = BulkQueue(100, WIDE)
    queue.push(FrameType.REQUEST, REQUEST_LANE, b"key-aaaa" + bytes(250))
    queue.push(FrameType.REQUEST, REQUEST_LANE, b"key-bbbb" + bytes(150))
    window = SendWindow(150)
    (first,) = queue.take_frames(window)
    queue.push(FrameType.REQUEST, REQUEST_LANE, b"key-cccc")
    assert first[4] == FrameType.CHUNK
    window.extend(len(first) + 150)
    frames: list[bytes] = []
    while taken := queue.take_frames(window):
        frames += taken
        window.extend(len(first) + sum(map(len, frames)) + 150)
    assert [(frame[4], frame[6:14]) for frame in frames] == [
        (FrameType.REQUEST, b"key-cccc"),
        (FrameType.CHUNK, b"key-aaaa"),
        (FrameType.REQUEST, b"key-aaaa"),
        (FrameType.CHUNK, b"key-bbbb"),
        (FrameType.REQUEST, b"key-bbbb"),
    ]
    assert queue.held_bytes == 0


def test_a_bulk_queue_is_bounded_and_can_be_cleared() -> None:
    queue = BulkQueue(100, 300)
    queue.push(FrameType.REQUEST, REQUEST_LANE, bytes(250))
    with pytest.raises(BacklogFull):
        queue.push(FrameType.REQUEST, REQUEST_LANE, bytes(60))
    queue.take_frames(SendWindow(10))
    queue.clear()
    assert queue.take_frames(SendWindow(WIDE)) == []
    queue.push(FrameType.REQUEST, REQUEST_LANE, bytes(300))


def test_pauses_double_up_to_the_ceiling_with_jitter() -> None:
    rng = random.Random(1)
    for attempt, nominal in enumerate([0.1, 0.2, 0.4, 0.8, 1.0, 1.0]):
        pauses = [pause_s(attempt, 0.1, 1.0, rng) for _ in range(50)]
        assert nominal / 2 <= min(pauses) < max(pauses) <= nominal
    assert pause_s(10_000, 0.1, 10.0, rng) <= 10.0


def test_settings_take_plain_words_and_refuse_what_cannot_work() -> None:
    assert Settings(transport="tcp", profile="wan") == Settings(  # type: ignore[arg-type]  # what config gives
        transport=TransportChoice.TCP, profile=Profile.WAN
    )
    for wrong in (
        {"lanes": 0},
        {"lanes": 17},
        {"chunk_bytes": 10},
        {"frame_bytes_max": 1},
        {"window_bytes": 4096},
        {"kept_bytes_max": 4096},
        {"datagram_bytes": 99},
    ):
        with pytest.raises(ValueError, match="must be"):
            Settings(**wrong)  # type: ignore[arg-type]  # one key each
    with pytest.raises(ValueError, match="pigeon"):
        Settings(transport="pigeon")  # type: ignore[arg-type]  # that is the point
