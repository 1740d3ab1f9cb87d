import click
import pytest

from caxton_node.cli.budget import Budget, bill_lines
from caxton_node.pb import messages_pb2 as pb

pytestmark = [pytest.mark.story("008"), pytest.mark.story("030")]


def read(text):
    return Budget().convert(text, None, None)


def test_a_budget_is_written_in_the_units_of_people():
    assert read("messages=100, bytes=1MiB,time=5s,fuel=1e9,cost=500") == {
        "messages": 100,
        "bytes": 1_048_576,
        "time_us": 5_000_000,
        "fuel": 1_000_000_000,
        "cost": 500,
    }
    assert read("time=1.5ms") == {"time_us": 1_500}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no limit"),
        ("mesages=1", "'mesages=1' is no limit"),
        ("messages", "is no limit"),
        ("time_us=5", "is no limit"),
        ("messages=1,messages=2", "messages is limited twice"),
        ("messages=1.5", "is not a number"),
        ("messages=-1", "is not a number"),
        ("messages=nan", "is not a number"),
        ("fuel=inf", "is not a number"),
        ("fuel=1e17", "is not a number"),
        ("messages=many", "is not a number"),
        ("bytes=lots", "is not a size"),
        ("time=soon", "is not a duration"),
    ],
)
def test_a_budget_that_means_nothing_is_refused(text, says):
    with pytest.raises(click.BadParameter, match=says):
        read(text)


def test_the_bill_says_what_is_left_and_who_spent_what():
    answer = pb.SendMessageResponse(
        budget_left=pb.Budget(messages=1_008, time_us=4_999_877),
        spent=[pb.Spending(agent="echo@n1", messages=1, bytes=7, time_us=123)],
    )
    assert bill_lines(answer) == [
        "left of the budget: 4,999.9 ms, 1,008 messages",
        "spent by echo@n1: 0.1 ms, 1 messages, 7 bytes",
    ]


def test_nothing_is_said_without_a_budget():
    assert bill_lines(pb.SendMessageResponse()) == []
