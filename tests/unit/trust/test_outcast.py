"""What a node makes of being refused by the others."""

from __future__ import annotations

import pytest

from caxton_node.trust.outcast import WORDS, Outcast, Verdict
from transport import EndReason, LinkFailed, PeerRefused, PeerState, PeerStatus

pytestmark = pytest.mark.story("022")


def peer(name: str, failure: str = "", *, up: bool = False) -> PeerStatus:
    return PeerStatus(
        node_id=name,
        address=("127.0.0.1", 1),
        state=PeerState.UP if up else PeerState.WAITING,
        kind="quic" if up else "",
        rtt_ms=None,
        bytes_in=0,
        bytes_out=0,
        backlog_bytes=0,
        last_failure=failure,
    )


REFUSALS = [
    (EndReason.REVOKED, Verdict.REVOKED),
    (EndReason.UNKNOWN_AUTHORITY, Verdict.OTHER_CA),
    (EndReason.EXPIRED, Verdict.EXPIRED),
]


@pytest.mark.parametrize(("reason", "verdict"), REFUSALS)
@pytest.mark.parametrize("kind", [PeerRefused, LinkFailed])
def test_a_node_that_everybody_refuses_is_told_why_once(
    reason: EndReason, verdict: Verdict, kind: type[PeerRefused | LinkFailed]
) -> None:
    outcast = Outcast()
    peers = [peer("a", str(kind(reason, "detail"))), peer("b", str(kind(reason, "")))]
    assert outcast.judge(peers) is verdict
    assert outcast.judge(peers) is None
    assert WORDS[verdict]


def test_who_is_let_in_by_one_is_no_outcast() -> None:
    refused = str(PeerRefused(EndReason.UNKNOWN_AUTHORITY, ""))
    assert Outcast().judge([peer("a", refused), peer("b", refused), peer("c", up=True)]) is None


def test_after_a_link_was_up_the_same_is_said_again() -> None:
    outcast, refused = Outcast(), [peer("a", str(PeerRefused(EndReason.REVOKED, "")))]
    assert outcast.judge(refused) is Verdict.REVOKED
    assert outcast.judge([peer("a", up=True)]) is None
    assert outcast.judge(refused) is Verdict.REVOKED


def test_nothing_is_said_before_it_has_lasted() -> None:
    outcast, refused = Outcast(patience=3), [peer("a", str(PeerRefused(EndReason.UNKNOWN_AUTHORITY, "")))]
    assert [outcast.judge(refused) for _ in range(4)] == [None, None, Verdict.OTHER_CA, None]
    outcast.judge([peer("a", up=True)])
    assert [outcast.judge(refused) for _ in range(3)] == [None, None, Verdict.OTHER_CA]


@pytest.mark.parametrize("failure", ["", str(LinkFailed(EndReason.UNREACHABLE, "no route"))])
def test_silence_is_no_refusal(failure: str) -> None:
    assert Outcast().judge([peer("a", failure), peer("b", failure)]) is None


def test_one_that_refuses_among_many_that_are_silent_decides_nothing() -> None:
    refused = str(PeerRefused(EndReason.UNKNOWN_AUTHORITY, ""))
    assert Outcast().judge([peer("a", refused), peer("b"), peer("c")]) is None
