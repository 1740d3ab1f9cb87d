"""Any envelope survives the wire; any bytes are either an envelope or malformed, nothing else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.fipa import Envelope, MalformedEnvelope, Performative, decode, encode
from caxton_node.fipa.codec import salvage
from caxton_node.fipa.message import POSITIONS, UNIX_MAX

pytestmark = pytest.mark.story("005")

text = st.none() | st.text(min_size=1, max_size=255)
instant = st.none() | st.integers(0, UNIX_MAX)
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
raw = values.map(lambda value: msgspec.Raw(msgspec.msgpack.encode(value)))
envelopes = st.builds(
    Envelope,
    st.sampled_from(Performative),
    text,
    text | st.lists(st.text(min_size=1, max_size=255), min_size=1, max_size=256),
    st.none() | st.binary(max_size=2_000),
    text,
    text,
    text,
    instant,
    text,
    text,
    text,
    text,
    text,
    st.none() | st.binary(min_size=16, max_size=16),
    instant,
    st.none() | st.binary(min_size=25, max_size=25),
    st.none() | st.dictionaries(st.text(min_size=1, max_size=255), raw, max_size=4),
)


@given(envelopes)
def test_any_envelope_comes_back_as_it_was(envelope: Envelope) -> None:
    assert decode(encode(envelope)) == envelope


@given(envelopes, st.data())
def test_an_envelope_cut_anywhere_is_malformed(envelope: Envelope, data: st.DataObject) -> None:
    frame = encode(envelope)
    with pytest.raises(MalformedEnvelope):
        decode(frame[: data.draw(st.integers(0, len(frame) - 1))])


@given(envelopes, st.binary(min_size=1))
def test_an_envelope_with_something_behind_it_is_malformed(envelope: Envelope, rest: bytes) -> None:
    with pytest.raises(MalformedEnvelope):
        decode(encode(envelope) + rest)


def fault_of(frame: bytes) -> MalformedEnvelope | None:
    """Return what is wrong with these bytes, None if nothing; anything but that is a failure of the test."""
    try:
        decode(frame)
    except MalformedEnvelope as err:
        return err
    return None


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_malformed_and_never_anything_else(frame: bytes) -> None:
    fault = fault_of(frame)
    if fault is not None:
        assert fault.reason
        assert fault.position is None or 0 <= fault.position < len(POSITIONS)
    salvage(frame)


@given(st.lists(values, max_size=20))
def test_any_array_is_an_envelope_or_names_the_element_at_fault(items: list[object]) -> None:
    frame = msgspec.msgpack.encode(items)
    fault = fault_of(frame)
    if fault is not None:
        assert fault.position is not None
        assert fault.field == POSITIONS[fault.position]
    salvage(frame)


@given(envelopes, st.integers(0, 2_000), st.integers(0, 255))
def test_a_flipped_byte_never_does_worse_than_malformed(envelope: Envelope, at: int, value: int) -> None:
    frame = bytearray(encode(envelope))
    frame[at % len(frame)] = value
    fault = fault_of(bytes(frame))
    assert fault is None or fault.reason
