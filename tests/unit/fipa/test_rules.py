import resource

import msgspec
import pytest

from caxton_node.fipa import BrokenRule, ContentTooLarge, Envelope, Performative, check, decode, encode
from caxton_node.fipa.rules import HEADERS_BYTES_MAX, HEADERS_DEPTH_MAX, NEEDS_CONTENT

pytestmark = pytest.mark.story("005")


@pytest.mark.parametrize("act", Performative)
def test_every_act_may_be_said_with_a_receiver_and_a_content(act: Performative) -> None:
    check(Envelope(act, receivers="somebody", content=b"{}"))


@pytest.mark.parametrize("act", sorted(NEEDS_CONTENT))
def test_an_act_that_is_about_its_content_needs_one_but_it_may_be_empty(act: Performative) -> None:
    check(Envelope(act, receivers="somebody", content=b""))
    with pytest.raises(BrokenRule) as caught:
        check(Envelope(act, receivers="somebody"))
    assert (caught.value.field, caught.value.position) == ("content", 3)
    assert act.word in caught.value.reason


@pytest.mark.parametrize("act", sorted(set(Performative) - NEEDS_CONTENT))
def test_an_answer_may_rest_on_what_it_answers(act: Performative) -> None:
    check(Envelope(act, receivers="somebody"))


def test_a_message_to_nobody_is_refused() -> None:
    with pytest.raises(BrokenRule) as caught:
        check(Envelope(Performative.INFORM, content=b""))
    assert caught.value.position == 2


def test_the_content_may_be_as_large_as_the_limit_and_no_larger() -> None:
    check(Envelope(Performative.INFORM, receivers="somebody", content=b"12345"), content_bytes_max=5)
    with pytest.raises(ContentTooLarge, match="invalid message"):
        check(Envelope(Performative.INFORM, receivers="somebody", content=b"123456"), content_bytes_max=5)


@pytest.mark.parametrize("address", ["desk", "desk@node-2", "acme/desk", "client~1-2@n1", "desk#1.2@n1"])
def test_answers_may_be_directed_to_any_address(address: str) -> None:
    check(Envelope(Performative.CFP, receivers="somebody", content=b"", reply_to=address))


@pytest.mark.parametrize("address", ["My Desk", "DESK", "@n1", "a/b/c", "desk@node_2", "x" * 64, "("])
def test_answers_directed_to_what_is_no_address_are_refused(address: str) -> None:
    with pytest.raises(BrokenRule) as caught:
        check(Envelope(Performative.CFP, receivers="somebody", content=b"", reply_to=address))
    assert (caught.value.field, caught.value.position) == ("reply_to", 12)
    assert "nobody can answer to it" in caught.value.reason


def test_a_deadline_that_has_passed_breaks_no_rule() -> None:
    check(Envelope(Performative.REQUEST, receivers="somebody", content=b"", reply_by=1))


def with_header(value: bytes) -> Envelope:
    return Envelope(Performative.INFORM, receivers="somebody", content=b"", headers={"h": msgspec.Raw(value)})


def test_headers_may_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    check(decode(encode(with_header(b"\x91" * HEADERS_DEPTH_MAX + b"\xc0"))))
    for value in (b"\x91" * 17 + b"\xc0", b"\x81\x01" * 17 + b"\xc0", b"\x91" * 900 + b"\xc0"):
        with pytest.raises(BrokenRule) as caught:
            check(decode(encode(with_header(value))))
        assert (caught.value.field, "nest deeper" in caught.value.reason) == ("headers", True)


def test_a_header_that_no_reader_could_hold_is_refused() -> None:
    with pytest.raises(BrokenRule) as caught:
        check(with_header(b"\x81\x80\x01"))  # a map whose key is a map
    assert "cannot be read" in caught.value.reason


def test_large_headers_are_refused_before_anything_is_made_of_them() -> None:
    count = 5_000_000
    check(with_header(b"\xda" + (HEADERS_BYTES_MAX - 3).to_bytes(2, "big") + b"x" * (HEADERS_BYTES_MAX - 3)))
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BrokenRule) as caught:
        check(decode(encode(with_header(b"\xdd" + count.to_bytes(4, "big") + b"\x80" * count))))
    assert "headers of more than" in caught.value.reason
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert grown_kb < 100_000  # as objects they would take 370 MB
