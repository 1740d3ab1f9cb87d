"""Where a message is, from what several nodes say."""

from typing import Any

import pytest

from caxton_node.api.lifetimes import lifetime_of
from caxton_node.api.tracking import read_message_id, sent_at_us
from caxton_node.api.whereabouts import merge, row_of, version_of, why_silent
from caxton_node.core.errors import InvalidArgument
from caxton_node.messaging.receipts import Receipt, State
from caxton_node.messaging.stamps import Stamps, to_message_id
from caxton_node.messaging.tags import TTL_MS_MAX, read_ttl
from caxton_node.pb import messages_pb2
from caxton_node.pb import tracking_pb2 as pb
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("002")


def forwarded(receiver: str, node: str, to: str, at_us: int = 1) -> pb.Whereabouts:
    return row_of(Receipt(State.FORWARDED, receiver, at_us, to), node)


def handled(instance: str, at_us: int = 2) -> pb.Whereabouts:
    return row_of(Receipt(State.HANDLED, f"default/{instance}", at_us), instance.rpartition("@")[2])


def refused(receiver: str, node: str, at_us: int = 2, reason: str = "no-such-agent") -> pb.Whereabouts:
    return row_of(Receipt(State.REFUSED, receiver, at_us, reason), node)


def told(*rows: pb.Whereabouts) -> list[tuple[str, str, str]]:
    return [
        (pb.DeliveryState.Name(row.state).rpartition("_")[2].lower(), row.receiver, row.node)
        for row in merge(rows)
    ]


def test_a_row_tells_who_has_handled_it_and_in_which_version() -> None:
    plain = handled("echo#1.0.0.1@n2")
    assert (plain.receiver, plain.instance, plain.version) == ("echo@n2", "echo#1.0.0.1@n2", "1.0.0")
    client = row_of(Receipt(State.HANDLED, "client~1@n1", 5), "n1")
    assert (client.receiver, client.instance, client.version) == ("client~1@n1", "", "")


def test_what_one_node_gave_to_another_is_told_by_that_one() -> None:
    assert told(forwarded("echo@n2", "n1", "n2"), handled("echo#1.0.0.1@n2")) == [
        ("handled", "echo@n2", "n2")
    ]


def test_a_chain_of_nodes_is_followed_to_its_end() -> None:
    chain = [forwarded("echo@n2", "n1", "n2"), forwarded("echo@n3", "n2", "n3"), handled("echo#1.0.0.1@n3")]
    assert told(*chain) == told(*reversed(chain)) == [("handled", "echo@n3", "n3")]
    assert told(*chain[:2]) == [("forwarded", "echo@n3", "n2")]


def test_what_the_other_node_does_not_know_stays_with_the_one_that_gave_it() -> None:
    assert told(forwarded("echo@n2", "n1", "n2"), handled("other#1.0.0.1@n2")) == [
        ("forwarded", "echo@n2", "n1"),
        ("handled", "other@n2", "n2"),
    ]


def test_two_nodes_that_each_say_that_the_other_has_it_leave_one_row() -> None:
    circle = [forwarded("echo@n2", "n1", "n2", 1), forwarded("echo@n1", "n2", "n1", 2)]
    assert told(*circle, handled("other#1.0.0.1@n1")) == [
        ("forwarded", "echo@n1", "n2"),
        ("handled", "other@n1", "n1"),
    ]
    assert told(*circle, refused("echo@n2", "n1", 3)) == [("refused", "echo@n2", "n1")]


def test_one_name_on_three_nodes_is_three_receivers() -> None:
    rows = [
        handled("echo#1.0.0.1@n1"),
        forwarded("echo@n2", "n1", "n2"),
        forwarded("echo@n3", "n1", "n3"),
        handled("echo#1.0.0.1@n2"),
    ]
    assert told(*rows) == [
        ("handled", "echo@n1", "n1"),
        ("handled", "echo@n2", "n2"),
        ("forwarded", "echo@n3", "n1"),
    ]


@pytest.mark.parametrize("receiver", ["echo", "default/echo", "echo@n2"])
def test_what_came_back_from_another_node_is_where_it_ended(receiver: str) -> None:
    rows = [forwarded("echo@n2", "n1", "n2", 1), refused(receiver, "n1", 2, "node-died")]
    (row,) = merge(rows)
    assert (row.state, row.reason) == (pb.DELIVERY_STATE_REFUSED, "node-died")


def test_what_was_refused_and_sent_again_is_where_it_is_now() -> None:
    assert told(refused("echo", "n1", 1), handled("echo#1.0.0.1@n2", 5)) == [("handled", "echo@n2", "n2")]
    assert told(handled("echo#1.0.0.1@n1", 1), refused("echo@n2", "n1", 5)) == [
        ("handled", "echo@n1", "n1"),
        ("refused", "echo@n2", "n1"),
    ]


def test_what_is_no_address_is_shown_as_it_is() -> None:
    assert told(refused("Not An Agent!", "n1")) == [("refused", "Not An Agent!", "n1")]


@pytest.mark.parametrize("state", list(State))
def test_every_state_says_why_there_is_no_answer(state: State) -> None:
    said = why_silent([Receipt(State.QUEUED, "b@n1"), Receipt(state, "default/echo#1.0.0.1@n1", 1, "n7")])
    assert "echo@n1" in said
    assert "{" not in said
    assert why_silent([]) == "nobody has answered"


@pytest.mark.parametrize(
    ("instance", "version"),
    [("a#1.0.0.1@n1", "1.0.0"), ("t/a#2-rc.1.17@n1", "2-rc.1"), ("a@n1", ""), ("a", "")],
)
def test_the_version_of_an_instance(instance: str, version: str) -> None:
    assert version_of(instance) == version


class TestIds:
    """Message ids as people write them."""

    @pytest.mark.parametrize(
        "text",
        [
            "0006612310b8bd9d6bae3ba160000000",
            " 0006612310B8BD9D6BAE3BA160000000 ",
            "00066123-10b8-bd9d-6bae-3ba160000000",
        ],
    )
    def test_capitals_and_hyphens_do_no_harm(self, text: str) -> None:
        assert read_message_id(text) == "0006612310b8bd9d6bae3ba160000000"

    @pytest.mark.parametrize("text", ["", "0006", "x" * 32, "0" * 33, "talk-1"])
    def test_what_is_none_is_told_so(self, text: str) -> None:
        with pytest.raises(InvalidArgument, match="is not a message id") as caught:
            read_message_id(text)
        assert caught.value.hint

    def test_an_id_says_when_its_message_was_sent(self) -> None:
        clock = HandClock()
        now_us, number = Stamps("n1", clock).take(1)
        assert sent_at_us(to_message_id(number).hex()) == now_us
        assert sent_at_us("f" * 32) == sent_at_us("0" * 32) == 0


class TestLifetimes:
    """Times to live as requests say them."""

    @pytest.mark.parametrize(
        "fields",
        [{"ttl_ms": 30_000}, {"headers": {"ttl": "30000"}}, {"ttl_ms": 30_000, "headers": {"ttl": "1"}}],
    )
    def test_the_header_is_a_number_however_it_was_said(self, fields: dict[str, Any]) -> None:
        headers = lifetime_of(messages_pb2.SendMessageRequest(**fields))
        assert {name: read_ttl(raw) for name, raw in headers.items()} == {"ttl": 30_000}

    def test_without_a_word_a_message_lives_for_ever(self) -> None:
        assert lifetime_of(messages_pb2.SendMessageRequest(headers={"other": "1"})) == {}

    @pytest.mark.parametrize("text", ["soon", "0", "-1", "1.5", str(TTL_MS_MAX + 1), "9" * 100])
    def test_what_is_no_time_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidArgument, match="cannot live"):
            lifetime_of(messages_pb2.SendMessageRequest(headers={"ttl": text}))
