"""Where a message is: what several nodes know of it, as one row for each of its receivers. Pure.

Each node tells what it has seen. What one gave to another is told better by that one; what was refused and
came through in the end, or was given on and came back, is told by whatever is newer. What is left is where
the message is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import DEFAULT_TENANT, Address, parse_address
from caxton_node.messaging.receipts import Receipt, State
from caxton_node.pb import tracking_pb2 as pb

SILENT: Mapping[State, str] = {
    State.QUEUED: "{receiver} has not come to it yet",
    State.PARKED: "it waits for {receiver} to come ({detail})",
    State.HANDLED: "{receiver} has handled it and has not answered",
    State.FORWARDED: "it was given to node {detail}, and {receiver} has not answered",
    State.REFUSED: "{receiver} did not get it ({detail})",
    State.EXPIRED: "its time to live was over before {receiver} came to it",
    State.FAILED: "{receiver} failed on it ({detail})",
}
"""Why there is no answer to a message, by where it is."""
GIVEN_UP = frozenset({pb.DELIVERY_STATE_REFUSED, pb.DELIVERY_STATE_EXPIRED, pb.DELIVERY_STATE_FAILED})
_WITH_REASON = frozenset({State.PARKED, State.REFUSED, State.EXPIRED, State.FAILED})


def row_of(receipt: Receipt, node: str) -> pb.Whereabouts:
    """Write what a node knows of one receiver."""
    is_instance = "#" in receipt.receiver
    return pb.Whereabouts(
        receiver=_address_of(receipt.receiver),
        state=f"DELIVERY_STATE_{receipt.state.name}",
        since_unix_us=receipt.at_us,
        node=node,
        reason=receipt.detail if receipt.state in _WITH_REASON else "",
        instance=receipt.receiver.removeprefix(f"{DEFAULT_TENANT}/") if is_instance else "",
        version=version_of(receipt.receiver) if is_instance else "",
        until_unix_ms=receipt.until_ms,
        forwarded_to=receipt.detail if receipt.state is State.FORWARDED else "",
    )


def why_silent(receipts: Sequence[Receipt]) -> str:
    """Say why no answer has come to a message that was sent from this node."""
    if not receipts:
        return "nobody has answered"
    found = receipts[-1]
    return SILENT[found.state].format(receiver=_address_of(found.receiver), detail=found.detail)


def version_of(instance: str) -> str:
    """Return the version in `name#version.n@node`."""
    return instance.partition("#")[2].rpartition("@")[0].rpartition(".")[0]


def read_address(receiver: str) -> Address:
    """Read an address; what is none was refused for that, and is shown as it is."""
    try:
        return parse_address(receiver)
    except InvalidArgument:
        return Address(receiver)


def merge(rows: Iterable[pb.Whereabouts]) -> list[pb.Whereabouts]:
    """Leave of what several nodes say what is true now, by receiver.

    Args:
        rows: Of any number of nodes, about one message.
    """
    by_name = sorted(rows, key=lambda row: (_name_of(row), row.receiver, row.since_unix_us))
    merged: list[pb.Whereabouts] = []
    for _, group in groupby(by_name, _name_of):
        merged += _latest(list(group))
    return merged


def _latest(rows: Sequence[pb.Whereabouts]) -> list[pb.Whereabouts]:
    """Leave out what another row about the same name knows better."""
    left = [row for row in rows if not any(_overrules(other, row) for other in rows if other is not row)]
    # Two nodes that each say that the other has it: it is between them.
    return left or [max(rows, key=lambda row: row.since_unix_us)]


def _overrules(other: pb.Whereabouts, row: pb.Whereabouts) -> bool:
    if row.state == pb.DELIVERY_STATE_FORWARDED and other.node == row.forwarded_to:
        return True
    if not _may_be_same(other, row) or other.since_unix_us < row.since_unix_us:
        return False
    if row.state == pb.DELIVERY_STATE_FORWARDED:
        return other.node == row.node and other.state != row.state
    return row.state in GIVEN_UP and other.state not in GIVEN_UP


def _may_be_same(one: pb.Whereabouts, two: pb.Whereabouts) -> bool:
    """Tell whether two rows about a name can be about one copy: a message may go to it on two nodes."""
    nodes = {read_address(row.receiver).node for row in (one, two)} - {None}
    return len(nodes) <= 1


def _name_of(row: pb.Whereabouts) -> str:
    return read_address(row.receiver).name


def _address_of(receiver: str) -> str:
    return str(read_address(receiver))
