"""A short soak, and what it rests on: the guest that writes down, and the eye on the process."""

from __future__ import annotations

import json

import pytest

from caxton_node.fipa import decode, encode
from caxton_node.runtime import Engine, Limits, Sandbox, TrapKind
from tests.soak.plan import Act, Author, Plan
from tests.soak.run import Soak
from tests.soak.scribe import scribe
from tests.soak.vitals import GROWTH_MAX_BYTES, MAPPINGS_MAX, MEMORY_FROM_S, Reading, find_growth, read
from tests.support.guests import LogLines

pytestmark = pytest.mark.story("002")
INSTANCE = "default/a#1.1@n1"


@pytest.fixture(scope="module")
def engine():
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def guest(engine):
    sandbox = Sandbox(engine, engine.compile(scribe()), Limits(fuel_per_message=400_000), LogLines())
    sandbox.start({"agent": "a", "instance": INSTANCE, "config": {}})
    yield sandbox
    sandbox.close()


def frames(*plans: Plan) -> list[bytes]:
    author = Author(lambda _entry: None)
    return [encode(envelope) for plan in plans for _, envelope in author.write(plan, "client@n1")]


def test_the_scribe_acknowledges_what_it_handles_and_sends_what_it_is_told_to(guest):
    outcome = guest.handle(frames(Plan(("a",), then=(Plan(("b",), times=2),)), Plan(("a",), talk="other")))
    ack, first, second, last = map(decode, outcome.outbox)
    assert json.loads(ack.content or b"") == {"n": "00000001", "seen": "00000001"}
    assert (ack.receivers, ack.ontology, ack.reply_to, ack.conversation_id) == (
        "ledger",
        INSTANCE,
        "a",
        "talk-1",
    )
    assert [(one.receivers, one.reply_with) for one in (first, second)] == [
        ("b", "00000002"),
        ("b", "00000003"),
    ]
    assert json.loads(last.content or b"") == {"n": "00000004", "seen": "00000002"}


@pytest.mark.parametrize(
    ("act", "kind"),
    [(Act.TRAP, TrapKind.UNREACHABLE), (Act.BURN, TrapKind.FUEL), (Act.FAIL, TrapKind.GUEST_ERROR)],
)
def test_the_scribe_fails_on_demand_and_what_it_has_done_before_stands(guest, act, kind):
    outcome = guest.handle(frames(Plan(("a",)), Plan(("a",), act=act), Plan(("a",))))
    assert outcome.trap is not None
    assert (outcome.trap.kind, outcome.poisoned, len(outcome.outbox)) == (kind, 1, 1)


async def test_a_short_soak_holds_and_says_so(tmp_path):
    lines: list[str] = []
    soak = Soak(seed=4, seconds=2.0, say=lines.append)
    assert await soak.run(tmp_path), soak.verdict()
    assert soak.verdict() == f"seed 4: it held for {soak.rounds:,} rounds"
    assert "handled" in lines[-1]


def test_a_verdict_of_disorder_names_the_seed_the_round_and_how_to_see_it_again():
    soak = Soak(seed=9, seconds=1.0, say=print, first_round=3, rounds=4, fault="message 1 is nowhere")
    assert soak.verdict().startswith("message 1 is nowhere\nseed 9, round 7")
    assert "--seed 9 --first-round 7" in soak.verdict()


def test_memory_that_rises_after_the_warm_up_is_growth_and_what_rises_before_is_not():
    hour = [float(second) for second in range(0, 3_600, 10)]
    early = [Reading(at, min(int(at), 600) * 2**20, 20, 500, 30) for at in hour]
    assert find_growth(early) == []
    late = [Reading(at, int(2 * GROWTH_MAX_BYTES * at / 3_600), 20, 500, 30) for at in hour]
    (fault,) = find_growth(late)
    assert fault.startswith("memory grew by 45 MB after the warm-up")
    assert find_growth([one for one in late if one.at_s < MEMORY_FROM_S]) == []


def test_too_many_mappings_are_named():
    (fault,) = find_growth([Reading(0.0, 2**20, 20, MAPPINGS_MAX + 1, 30)])
    assert "mappings" in fault


def test_the_process_can_be_read():
    reading = read(1.0)
    assert reading.rss_bytes > 2**20
    assert min(reading.threads, reading.mappings, reading.files) > 0
