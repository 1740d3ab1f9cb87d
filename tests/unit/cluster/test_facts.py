"""What a node says of itself survives the wire, and rubbish does no harm."""

import msgpack
import pytest

from caxton_node.cluster.facts import NodeFacts, facts_of
from caxton_node.deployment.constraints import LABELS_BYTES_MAX, parse_labels
from swim import Member, MemberState, Settings


def member(metadata):
    return Member("n1", ("127.0.0.1", 7946), MemberState.ALIVE, 0, 1, metadata, 0, bytes(8))


def test_facts_come_back_as_they_were_packed():
    facts = NodeFacts("127.0.0.1:50051", "0.1.0", signer=True)
    assert facts_of(member(facts.pack())) == facts
    assert len(NodeFacts("[2001:db8:1234:5678:9abc:def0:1234:5678]:50051", "9" * 40).pack()) < 128


def test_facts_of_a_later_version_are_read_as_far_as_they_are_known():
    assert facts_of(member(msgpack.packb(["a:1", "9", False, "new"]))) == NodeFacts("a:1", "9")


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", b"\x93", b"\x05", msgpack.packb(["a"])])
def test_rubbish_says_nothing(rubbish):
    assert facts_of(member(rubbish)) == NodeFacts()


def test_labels_are_told_and_a_node_without_any_says_what_it_did_before_there_were_labels():
    facts = NodeFacts("a:1", "9", signer=True, labels={"zone": "a", "disk": "ssd"})
    assert facts_of(member(facts.pack())) == facts
    assert facts_of(member(msgpack.packb(["a:1", "9", True]))) == NodeFacts("a:1", "9", signer=True)
    assert NodeFacts("a:1", "9", signer=True).pack() == msgpack.packb(["a:1", "9", True])


def test_facts_with_as_many_labels_as_are_allowed_need_not_be_fetched():
    text = f"zone={'a' * 24},disk={'b' * 21}"
    assert len(text) == LABELS_BYTES_MAX
    facts = NodeFacts("192.168.100.200:50051", "9" * 40, signer=True, labels=parse_labels(text))
    assert len(facts.pack()) <= Settings().metadata_bytes_max
