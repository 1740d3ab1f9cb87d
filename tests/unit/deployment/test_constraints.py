import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.deployment.constraints import (
    LABELS_BYTES_MAX,
    Candidate,
    first_obstacle,
    parse_constraint,
    parse_labels,
)

pytestmark = pytest.mark.story("026")

NODE = Candidate("n1", {"zone": "a", "disk": "ssd"})


@pytest.mark.parametrize(
    ("text", "admits"),
    [
        ("zone=a", True),
        ("zone=b", False),
        ("zone=b|a", True),
        ("zone!=a", False),
        ("zone!=b|c", True),
        ("rack=r1", False),
        ("rack!=r1", True),
        ("node=n1", True),
        ("node!=n1|n2", False),
    ],
)
def test_a_constraint_is_read_and_judged_and_written_as_it_was(text, admits):
    constraint = parse_constraint(text)
    assert constraint.admits(NODE) is admits
    assert str(constraint) == text


@pytest.mark.parametrize(
    "text", ["", "zone", "zone=", "=a", "zone==a", "Zone=a", "zone=a|", "zone=a b", "zone=" + "a" * 64, "!=a"]
)
def test_what_is_no_constraint_is_refused_with_an_example(text):
    with pytest.raises(InvalidArgument, match="is not a constraint") as refusal:
        parse_constraint(text)
    assert "zone=a" in refusal.value.hint


def test_the_first_constraint_that_does_not_hold_is_named():
    texts = ["zone=a", "disk=hdd", "node!=n1"]
    assert first_obstacle(map(parse_constraint, texts), NODE) == "disk=hdd"
    assert first_obstacle(map(parse_constraint, texts[:1]), NODE) == ""


def test_labels_are_read_and_bounded():
    assert parse_labels(" zone=a, disk=ssd ,") == {"zone": "a", "disk": "ssd"}
    assert parse_labels("") == {}
    for text in ("zone", "zone=", "node=n1", "Zone=a", f"zone={'a' * 64}"):
        with pytest.raises(InvalidArgument, match="is not a label"):
            parse_labels(text)
    many = ",".join(f"label{number}=value" for number in range(LABELS_BYTES_MAX))
    with pytest.raises(InvalidArgument, match="bytes"):
        parse_labels(many)
