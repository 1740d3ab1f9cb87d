"""The audit log of a running node: nobody waits for it, and what it cannot write it counts."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from caxton_node.audit import AuditLog, AuditQuery, AuditRecord, AuditSettings, service
from caxton_node.audit.files import log_files
from caxton_node.audit.flood import BURST
from caxton_node.audit.record import FOLDED, LOST
from tests.support.clock import HandClock
from tests.support.data_plane import until

pytestmark = [pytest.mark.story("037"), pytest.mark.asyncio]


def log_in(folder: Path) -> AuditLog:
    log = AuditLog(AuditSettings(folder, "n1"), HandClock())
    log.open()
    return log


def record(log: AuditLog, operation: str = "StopAgent", **fields: str) -> AuditRecord:
    return AuditRecord(0, log.now(), operation, **fields)


async def test_what_was_noted_is_on_disk_and_found_the_latest_first(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for number in range(3):
        log.note(record(log, subject=f"agent-{number}"))
    page = await log.search(AuditQuery())
    assert [found.subject for found in page.records] == ["agent-2", "agent-1", "agent-0", ""]
    assert (await log.verify()).is_whole
    await log.close()


async def test_a_log_that_is_being_written_to_is_whole(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for _ in range(20):
        for _ in range(300):
            log.note(record(log, subject="a" * 200))
        assert (await log.verify()).findings == []
    await log.close()


async def test_what_waits_when_the_node_closes_is_written(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for _ in range(100):
        log.note(record(log))
    await log.close()
    await log.close()
    assert (await log.verify()).records == 101


async def test_a_record_in_the_moment_of_closing_is_written_and_holds_nothing_up(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.note(record(log))
    await log.flush()
    await until(lambda: bool(log._wake._waiters))  # it waits for the next one
    log.note(record(log))
    async with asyncio.timeout(10):
        await log.close()
    assert (await log.verify()).records == 3
    assert not log.note(record(log))
    assert log.lost == 1


async def test_pages_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for number in range(10):
        log.note(record(log, subject=f"{number}"))
    seen, before = [], 0
    while True:
        page = await log.search(AuditQuery(before_seq=before, operation="StopAgent", limit=4))
        seen += [int(found.subject) for found in page.records]
        before = page.before_seq
        if not before:
            break
    assert seen == list(range(9, -1, -1))
    await log.close()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (AuditQuery(principal="eve"), 2),
        (AuditQuery(outcome="denied"), 1),
        (AuditQuery(outcome="OK", principal="eve"), 1),
        (AuditQuery(subject="pay"), 1),
        (AuditQuery(tenant="acme"), 1),
        (AuditQuery(operation="GetAgent"), 1),
        (AuditQuery(until="2000"), 0),
        (AuditQuery(since="2100"), 0),
        (AuditQuery(since="2000", until="2100", principal="eve"), 2),
    ],
)
async def test_conditions_hold_together(tmp_path: Path, query: AuditQuery, count: int) -> None:
    log = log_in(tmp_path)
    log.note(record(log, principal="eve", subject="payments", tenant="acme,globex"))
    log.note(record(log, "GetAgent", principal="eve", outcome="FORBIDDEN"))
    assert len((await log.search(query)).records) == count
    await log.close()


async def test_a_disk_that_refuses_is_told_of_and_nothing_is_lost_that_found_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be refuses everything, even to root."""
    monkeypatch.setattr(service, "QUEUE_MAX", 10)
    monkeypatch.setattr(service, "RETRY_S", 0.01)
    folder = tmp_path / "audit"
    folder.write_text("in the way")
    log = log_in(folder)
    for _ in range(25):
        log.note(record(log))
    await until(lambda: bool(log.trouble))
    assert (log.lost, log.written) == (15, 0)
    folder.unlink()
    await log.flush()
    assert log.trouble == ""
    page = await log.search(AuditQuery(operation=LOST))
    assert page.records[0].detail == {"count": "15"}
    verdict = await log.verify()
    assert verdict.is_whole
    assert (verdict.lost, verdict.records) == (15, 12)
    await log.close()


async def test_a_flood_of_strangers_is_counted_and_does_not_fill_the_disk(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for _ in range(BURST + 500):
        log.note(record(log, "Health", outcome="UNAUTHORIZED"))
    log.note(record(log, "StopAgent", principal="eve", outcome="FORBIDDEN"))
    await log.flush()
    assert (log.folded, log.lost) == (500, 0)
    assert len((await log.search(AuditQuery(principal="eve"))).records) == 1
    (told,) = (await log.search(AuditQuery(operation=FOLDED))).records
    assert told.detail == {"count": "500"}
    assert len((await log.search(AuditQuery(operation="Health", limit=5000))).records) == BURST
    await log.close()


async def test_newcomers_with_join_tokens_are_strangers_and_those_let_in_are_written(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    newcomer = {"principal": "newcomer", "kind": "newcomer"}
    for _ in range(BURST + 500):
        log.note(record(log, "Join", outcome="FORBIDDEN", **newcomer))
    assert log.folded == 500
    assert log.note(record(log, "Join", **newcomer))
    await log.close()


async def test_an_end_that_was_cut_off_is_told_at_the_start_and_once(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for _ in range(5):
        log.note(record(log))
    await log.close()
    path = log_files(tmp_path)[0].path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    with capture_logs() as lines:
        log = log_in(tmp_path)
        await until(lambda: log.written > 0 or len(log_files(tmp_path)) == 2)
        log.note(record(log))
        await log.close()
    assert [line["reason"] for line in lines] == ["the log ends with record 4, and 6 were written"]
    assert [finding.problem for finding in (await log.verify()).findings] == ["cut-off"]


async def test_that_nothing_can_be_written_is_known_before_the_first_record(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.write_text("in the way")
    log = log_in(folder)
    await until(lambda: bool(log.trouble))
    await log.close()


async def test_a_silent_log_lets_old_files_go_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TEND_S", 0.01)
    clock = HandClock()
    log = AuditLog(AuditSettings(tmp_path, "n1", retention_days=1), clock)
    log.open()
    await until(lambda: len(log_files(tmp_path)) == 1)
    for days in (1, 3):
        clock.advance(days * 86_400)
        await until(lambda: len(log_files(tmp_path)) == 2)
        first = log_files(tmp_path)[0].first_seq
    clock.advance(3 * 86_400)
    await until(lambda: log_files(tmp_path)[0].first_seq > first)
    assert (await log.verify()).is_whole
    await log.close()


async def test_a_node_can_close_while_the_disk_refuses(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.write_text("in the way")
    log = log_in(folder)
    log.note(record(log))
    async with asyncio.timeout(10):
        await log.close()
    assert log.lost == 1


async def test_a_folder_that_was_taken_away_under_the_node_is_made_again(tmp_path: Path) -> None:
    log = log_in(tmp_path / "audit")
    log.note(record(log))
    await log.flush()
    shutil.rmtree(tmp_path / "audit")
    log.note(record(log))
    await log.flush()
    (finding,) = (await log.verify()).findings
    assert finding.detail == "records up to 2 are missing, and none says why"
    await log.close()
