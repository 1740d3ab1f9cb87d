"""Addresses are written short and read in every form."""

import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import Address, check_node_id, full_name, parse_address, stable_hash


@pytest.mark.parametrize(
    ("text", "name", "node"),
    [
        ("greeter", "default/greeter", None),
        ("acme/greeter", "acme/greeter", None),
        ("greeter@n1", "default/greeter", "n1"),
        ("greeter#1.2.0.3@n1", "default/greeter", "n1"),
        ("client~4f@n1", "default/client~4f", "n1"),
    ],
)
def test_every_written_form_is_read(text, name, node):
    assert parse_address(text) == Address(name, node)


def test_the_default_tenant_is_left_out_when_written():
    assert str(Address("default/a", "n1")) == "a@n1"
    assert str(Address("acme/a")) == "acme/a"


@pytest.mark.parametrize("bad", ["", "/", "a/", "/a", "-a", "a b", "a" * 64, "Ä", "a/b/c", "x@N1!", "A"])
def test_what_cannot_be_a_name_is_refused_with_a_reason(bad):
    with pytest.raises(InvalidArgument) as refusal:
        parse_address(bad)
    assert refusal.value.why
    assert refusal.value.hint


def test_a_node_id_is_a_dns_label():
    assert check_node_id("node-1") == "node-1"
    with pytest.raises(InvalidArgument, match="node id"):
        check_node_id("node_1")


def test_the_stable_hash_is_the_same_everywhere():
    assert stable_hash("conversation") == stable_hash(b"conversation") == 5952006611012271168
    assert full_name("a") == "default/a"
