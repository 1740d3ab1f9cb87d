import pytest

from caxton_node.cli.agent_options import BATCHING, CPU, KEEPING, PROTOCOLS
from caxton_node.client.agent_requests import (
    write_batching,
    write_cpu,
    write_keeping,
    write_limits,
    write_names,
    write_protocols,
    write_world,
)
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import agents_pb2 as pb

pytestmark = pytest.mark.story("006")


def test_limits_that_are_none_are_not_sent_and_those_that_are_0_are():
    limits = write_limits({"memory_bytes": None, "log_lines_per_s": 0, "messages_per_s": None})
    assert limits.HasField("log_lines_per_s")
    assert not limits.HasField("messages_per_s")
    assert write_limits(None) == pb.Limits()


@pytest.mark.parametrize(
    ("limits", "says"), [({"memory": 5}, "memory_bytes"), ({"batch_max": -1}, "batch_max")]
)
def test_limits_that_the_schema_does_not_know_are_refused_here(limits, says):
    with pytest.raises(InvalidArgument) as caught:
        write_limits(limits)
    assert says in caught.value.hint


def test_words_become_the_numbers_of_the_schema():
    assert write_cpu("both") == pb.CPU_MODE_BOTH
    assert write_keeping("off") == pb.KEEPING_OFF
    assert (write_cpu(""), write_keeping("")) == (0, 0)
    with pytest.raises(InvalidArgument, match="metered, deadline, both"):
        write_cpu("fast")


def test_the_command_line_offers_every_word():
    assert [write_cpu(word) for word in CPU] == [number for number in pb.CpuMode.values() if number]
    assert [write_keeping(word) for word in KEEPING] == [number for number in pb.Keeping.values() if number]
    assert [write_batching(word) for word in BATCHING] == [1, 2, 3, 4] == pb.Batching.values()[1:]
    assert [write_protocols(word) for word in PROTOCOLS] == [1, 2, 3] == pb.ProtocolPolicy.values()[1:]


def test_what_is_absent_stays_absent():
    assert (write_names(None), write_world(None, 5)) == (None, None)
    assert write_names(()) == pb.Names()
    assert write_world(0, 0) == pb.Determinism()
