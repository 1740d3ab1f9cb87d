from __future__ import annotations

import pytest

from caxton_node.runtime import Engine, Limits, TrapKind
from tests.support.guests import contents, faulty, request, start


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("trap", TrapKind.UNREACHABLE),
        ("spin", TrapKind.FUEL),
        ("deep", TrapKind.STACK),
        ("wild", TrapKind.BOUNDS),
        ("zero", TrapKind.ARITHMETIC),
        ("call", TrapKind.TABLE),
        ("grow", TrapKind.MEMORY),
        ("exit", TrapKind.EXIT),
        ("lost", TrapKind.BAD_CALL),
    ],
)
def test_a_trap_costs_only_the_message_that_caused_it(engine: Engine, marker: str, kind: TrapKind) -> None:
    sandbox, _ = start(engine, faulty(), limits=Limits(memory_bytes=1 << 20))
    outcome = sandbox.handle([request("one"), request("two"), request(marker), request("four")])
    assert outcome.trap is not None
    assert (outcome.trap.kind, outcome.trap.fatal) == (kind, True)
    assert outcome.handled == 2
    assert contents(outcome) == [b"one", b"two"]
    assert outcome.trap.message
    assert any(marker in line or "misbehave" in line for line in outcome.trap.backtrace)


@pytest.mark.story("001")
def test_wall_time_stops_a_guest_whose_fuel_would_last(engine: Engine) -> None:
    limits = Limits(wall_time_s=0.05, fuel_per_message=2**50)
    sandbox, _ = start(engine, faulty(), limits=limits)
    outcome = sandbox.handle([request("one"), request("spin")])
    assert outcome.trap is not None
    assert outcome.trap.kind is TrapKind.TIME
    assert outcome.elapsed_s >= 0.05  # its fuel would have lasted for days
    assert contents(outcome) == [b"one"]
