"""What follows from findings, and what a probe hears when nothing is found out any more."""

import pytest

from caxton_node.operations import Finding, Health, Phase, Report, State
from caxton_node.operations.health import DEAD_S, LOOP, STALE_S

pytestmark = pytest.mark.story("017")

GOOD = Finding("storage", State.OK)
SLOW = Finding("cluster", State.DEGRADED, "minority")
COMING = Finding("agents", State.STARTING, "waiting")
BROKEN = Finding("disk", State.FAILED, "3 MiB free")
LOST = Finding("workers", State.FAILED, "1 of 4 threads have died", is_fatal=True)


@pytest.mark.parametrize(
    ("phase", "findings", "status", "is_ready", "is_alive"),
    [
        (Phase.STARTING, [GOOD], "starting", False, True),
        (Phase.SERVING, [GOOD], "ok", True, True),
        (Phase.SERVING, [GOOD, SLOW], "degraded", True, True),
        (Phase.SERVING, [SLOW, COMING], "starting", False, True),
        (Phase.SERVING, [SLOW, COMING, BROKEN], "failed", False, True),
        (Phase.STARTING, [BROKEN], "failed", False, True),
        (Phase.SERVING, [GOOD, LOST], "failed", False, False),
        (Phase.LEAVING, [GOOD], "leaving", False, True),
    ],
)
def test_findings_and_phase_decide(phase, findings, status, is_ready, is_alive):
    report = Report(phase, findings)
    assert (report.status, report.is_ready, report.is_alive) == (status, is_ready, is_alive)


def test_reasons_name_what_is_not_as_it_should_be():
    assert Report(Phase.SERVING, [GOOD, SLOW, BROKEN]).reasons == (
        "cluster degraded: minority; disk failed: 3 MiB free"
    )


def test_probes_get_a_status_of_http_and_the_reasons():
    health = Health()
    health.enter(Phase.SERVING)
    health.take([GOOD, BROKEN])
    assert health.page("health")[0] == 200
    status, body = health.page("ready")
    assert status == 503
    assert body["checks"]["disk"] == {"ok": False, "state": "failed", "detail": "3 MiB free"}
    health.take([GOOD, LOST])
    assert health.page("health")[0] == 503


def test_a_loop_that_hangs_is_a_finding_and_at_last_a_reason_for_a_new_start():
    now = 100.0
    health = Health(lambda: now)
    health.enter(Phase.SERVING)
    health.take([GOOD, Finding(LOOP, State.OK, "0 ms late")])
    now += STALE_S - 0.1
    assert health.page("ready")[0] == 200
    now += 0.2
    status, body = health.page("ready")
    assert status == 503
    assert "has not turned for 3 s" in body["checks"][LOOP]["detail"]
    assert health.page("health")[0] == 200
    now += DEAD_S
    assert health.page("health")[0] == 503


def test_metrics_tell_the_state_of_each_check():
    health = Health()
    health.enter(Phase.SERVING)
    health.take([GOOD, BROKEN])
    values = {(reading.name, *reading.labels): reading.value for reading in health.readings()}
    assert values["caxton_ready",] == 0
    assert values["caxton_health", "disk", "failed"] == 1
    assert values["caxton_health", "disk", "ok"] == 0
    assert values["caxton_health", "storage", "ok"] == 1
