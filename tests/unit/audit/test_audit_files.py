"""The audit log on disk: whole lines, one chain, and what a crash or a full disk leaves."""

from __future__ import annotations

import json
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caxton_node.audit import AuditRecord, AuditSettings, verify
from caxton_node.audit.chain import seal, unseal
from caxton_node.audit.files import HEAD, log_files, read_head
from caxton_node.audit.record import BEGUN, REMOVED
from caxton_node.audit.writer import Writer

pytestmark = pytest.mark.story("037")

DAY_US = 86_400_000_000
NOW_US = 1_795_000_000_000_000  # in November 2026
TIME = "2026-11-18T14:13:20.000000Z"


def writer_in(folder: Path, **settings: int) -> Writer:
    return Writer(AuditSettings(folder, "n1", **settings))


def some(count: int, first: int = 0) -> list[AuditRecord]:
    return [AuditRecord(0, TIME, "StopAgent", subject=f"agent-{first + number}") for number in range(count)]


def write(folder: Path, count: int = 5, *, now_us: int = NOW_US, **settings: int) -> None:
    writer = writer_in(folder, **settings)
    writer.write(some(count), now_us)
    writer.close()


def only_file(folder: Path) -> Path:
    (file,) = log_files(folder)
    return file.path


def test_what_was_written_is_whole(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path)
    verdict = verify(tmp_path)
    assert verdict.is_whole
    assert (verdict.files, verdict.records, verdict.first_seq, verdict.last_seq) == (1, 11, 1, 11)


def test_nothing_at_all_is_whole(tmp_path: Path) -> None:
    assert verify(tmp_path / "nowhere").is_whole


def test_each_line_is_json_that_any_tool_reads(tmp_path: Path) -> None:
    write(tmp_path, 2)
    lines = [json.loads(line) for line in only_file(tmp_path).read_text().splitlines()]
    assert [line["operation"] for line in lines] == [BEGUN, "StopAgent", "StopAgent"]
    assert all(len(line["hash"]) == 64 for line in lines)


def test_the_files_are_for_the_user_of_the_node_alone(tmp_path: Path) -> None:
    write(tmp_path / "audit")
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700
    assert only_file(tmp_path / "audit").stat().st_mode & 0o777 == 0o600


def change(folder: Path, old: bytes, new: bytes) -> None:
    path = only_file(folder)
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new, 1))


def test_a_changed_record_is_found_and_named(tmp_path: Path) -> None:
    write(tmp_path)
    change(tmp_path, b"agent-2", b"agent-9")
    (finding,) = verify(tmp_path).findings
    assert (finding.problem, finding.line, finding.seq) == ("changed", 4, 4)


def lines_of(folder: Path) -> list[bytes]:
    return only_file(folder).read_bytes().splitlines(keepends=True)


def test_a_removed_record_is_found_and_named(tmp_path: Path) -> None:
    write(tmp_path)
    lines = lines_of(tmp_path)
    only_file(tmp_path).write_bytes(b"".join(lines[:2] + lines[3:]))
    finding = verify(tmp_path).findings[0]
    assert (finding.problem, finding.line) == ("removed", 3)
    assert "record 3 is missing" in finding.detail


def test_records_that_changed_places_are_found(tmp_path: Path) -> None:
    write(tmp_path)
    lines = lines_of(tmp_path)
    lines[2], lines[3] = lines[3], lines[2]
    only_file(tmp_path).write_bytes(b"".join(lines))
    assert {finding.problem for finding in verify(tmp_path).findings} >= {"removed", "moved"}


@pytest.mark.parametrize("kept", [3, 5])
def test_an_end_that_was_cut_off_is_found_by_the_head(tmp_path: Path, kept: int) -> None:
    write(tmp_path)
    only_file(tmp_path).write_bytes(b"".join(lines_of(tmp_path)[:kept]))
    (finding,) = verify(tmp_path).findings
    assert (finding.problem, finding.file, finding.seq) == ("cut-off", HEAD, 6)


def cut_off(folder: Path, count: int) -> bytes:
    """Take the last lines of the only file away and return them."""
    lines = lines_of(folder)
    only_file(folder).write_bytes(b"".join(lines[:-count]))
    return b"".join(lines[-count:])


def test_an_end_that_was_cut_off_stays_found_after_any_number_of_starts(tmp_path: Path) -> None:
    write(tmp_path, 9)
    cut_off(tmp_path, 4)
    for day in range(3):
        write(tmp_path, 2, now_us=NOW_US + day * DAY_US)
    (finding,) = verify(tmp_path).findings
    assert (finding.problem, finding.line, finding.seq) == ("cut-off", 1, 11)
    assert "records 7 to 10 were missing" in finding.detail
    body = unseal(log_files(tmp_path)[1].path.read_bytes().splitlines(keepends=True)[0])[0]
    assert json.loads(body)["detail"].keys() == {"former", "cut_seq", "cut_hash"}


def test_a_log_whose_end_was_put_back_is_whole_again(tmp_path: Path) -> None:
    write(tmp_path, 9)
    end = cut_off(tmp_path, 4)
    write(tmp_path, 2)
    with log_files(tmp_path)[0].path.open("ab") as file:
        file.write(end)
    assert verify(tmp_path).is_whole


def test_a_cut_in_the_middle_of_a_line_is_no_crash(tmp_path: Path) -> None:
    write(tmp_path)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    write(tmp_path)
    assert [(each.problem, each.seq) for each in verify(tmp_path).findings] == [("cut-off", 7)]


def test_all_files_that_were_taken_away_are_missed_after_a_start(tmp_path: Path) -> None:
    write(tmp_path)
    only_file(tmp_path).unlink()
    write(tmp_path)
    (finding,) = verify(tmp_path).findings
    assert finding.detail == "records up to 6 are missing, and none says why"


def test_a_last_record_that_was_put_in_the_place_of_another_stays_found(tmp_path: Path) -> None:
    write(tmp_path)
    lines = lines_of(tmp_path)
    forged = seal(unseal(lines[-2])[1], unseal(lines[-1])[0].replace(b"agent-4", b"agent-9"))[0]
    only_file(tmp_path).write_bytes(b"".join([*lines[:-1], forged]))
    write(tmp_path)
    assert [(each.problem, each.seq) for each in verify(tmp_path).findings] == [("changed", 7)]


@pytest.mark.parametrize("text", [None, "", "{}", '{"seq":9999999999999,"hash":"' + "0" * 64 + '"}'])
def test_a_head_that_was_gone_at_a_start_stays_found(tmp_path: Path, text: str | None) -> None:
    write(tmp_path)
    cut_off(tmp_path, 2)
    if text is None:
        (tmp_path / HEAD).unlink()
    else:
        (tmp_path / HEAD).write_text(text)
    write(tmp_path)
    assert [(each.problem, each.seq) for each in verify(tmp_path).findings] == [("removed", 5)]


def test_a_crash_before_the_first_head_is_no_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head that says that there is nothing yet is on disk before the first record is."""
    writer = writer_in(tmp_path)
    monkeypatch.setattr(writer, "_append", lambda records: None)
    writer.write(some(1), NOW_US)
    assert read_head(tmp_path).seq == 0
    monkeypatch.undo()
    write(tmp_path)
    assert verify(tmp_path).is_whole


def test_half_a_line_that_no_crash_explains_is_found(tmp_path: Path) -> None:
    write(tmp_path)
    path = only_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    assert "cut-off" in {finding.problem for finding in verify(tmp_path).findings}


def test_a_head_that_was_taken_away_is_missed(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / HEAD).unlink()
    (finding,) = verify(tmp_path).findings
    assert (finding.problem, finding.file) == ("removed", HEAD)


def test_a_whole_file_that_was_taken_away_is_found(tmp_path: Path) -> None:
    for day in range(3):
        write(tmp_path, now_us=NOW_US + day * DAY_US)
    log_files(tmp_path)[1].path.unlink()
    finding = verify(tmp_path).findings[0]
    assert finding.problem == "removed"
    assert "records 7 to 12 are missing" in finding.detail


def test_a_first_file_that_was_taken_away_is_found(tmp_path: Path) -> None:
    for day in range(2):
        write(tmp_path, now_us=NOW_US + day * DAY_US)
    log_files(tmp_path)[0].path.unlink()
    (finding,) = verify(tmp_path).findings
    assert (finding.problem, finding.detail) == ("removed", "records up to 6 are missing, and none says why")


def test_a_forged_record_with_a_right_hash_breaks_the_chain_behind_it(tmp_path: Path) -> None:
    write(tmp_path)
    lines = lines_of(tmp_path)
    former = unseal(lines[1])[1]
    body = unseal(lines[2])[0].replace(b"agent-1", b"agent-7")
    lines[2] = seal(former, body)[0]
    only_file(tmp_path).write_bytes(b"".join(lines))
    (finding,) = verify(tmp_path).findings
    assert (finding.problem, finding.line) == ("changed", 4)


def test_a_new_day_begins_a_new_file_of_the_same_chain(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    for day in range(3):
        writer.write(some(2), NOW_US + day * DAY_US)
    writer.close()
    assert [file.first_seq for file in log_files(tmp_path)] == [1, 4, 7]
    assert verify(tmp_path).is_whole


def test_a_file_that_is_large_enough_is_ended(tmp_path: Path) -> None:
    writer = writer_in(tmp_path, file_bytes_max=500)
    for _ in range(4):
        writer.write(some(3), NOW_US)
    writer.close()
    assert len(log_files(tmp_path)) == 4
    assert verify(tmp_path).is_whole


def test_old_files_go_and_the_log_says_so(tmp_path: Path) -> None:
    for day in (0, 1, 2, 95):
        write(tmp_path, 2, now_us=NOW_US + day * DAY_US, retention_days=90)
    files = log_files(tmp_path)
    assert [file.first_seq for file in files] == [7, 10]  # the last but one ended within the retention
    assert REMOVED.encode() in files[-1].path.read_bytes()
    verdict = verify(tmp_path)
    assert verdict.is_whole
    assert verdict.first_seq == 7


@pytest.mark.parametrize("torn_bytes", [1, 40, 120])
def test_a_crash_in_the_middle_of_a_line_is_noted_and_the_chain_goes_on(
    tmp_path: Path, torn_bytes: int
) -> None:
    write(tmp_path)
    path = only_file(tmp_path)
    line = lines_of(tmp_path)[-1]
    with path.open("ab") as file:
        file.write(line[:torn_bytes])
    write(tmp_path)
    verdict = verify(tmp_path)
    assert verdict.is_whole
    assert (verdict.files, verdict.torn, verdict.last_seq) == (2, 1, 12)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert [finding.problem for finding in verify(tmp_path).findings] == ["cut-off"]


def test_a_crash_before_the_first_record_of_a_file_was_whole_is_survived(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "audit-000000000007-2026-11-19.jsonl").write_bytes(b'{"seq":7,"ti')
    write(tmp_path, now_us=NOW_US + DAY_US)
    verdict = verify(tmp_path)
    assert verdict.is_whole
    assert verdict.last_seq == 12
    assert (tmp_path / "audit-000000000007-2026-11-19.torn").exists()


def test_a_full_disk_leaves_whole_lines_and_the_records_can_be_given_again(tmp_path: Path) -> None:
    """A limit on the size of files fails in the middle of a write, as a full disk does."""
    writer = writer_in(tmp_path)
    writer.write(some(2), NOW_US)
    size = only_file(tmp_path).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with _ignored_xfsz():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
        try:
            with pytest.raises(OSError, match="large"):
                writer.write(some(3, 2), NOW_US)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert only_file(tmp_path).stat().st_size == size
    writer.write(some(3, 2), NOW_US)
    writer.close()
    verdict = verify(tmp_path)
    assert verdict.is_whole
    assert verdict.last_seq == 6


def test_a_copy_can_be_verified_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "audit")
    shutil.copytree(tmp_path / "audit", tmp_path / "copy")
    assert verify(tmp_path / "copy") == verify(tmp_path / "audit")


@contextmanager
def _ignored_xfsz() -> Iterator[None]:
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGXFSZ, before)
