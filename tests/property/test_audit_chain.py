"""Whatever is done to the bytes of an audit log shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caxton_node.audit import AuditRecord, AuditSettings, verify
from caxton_node.audit.files import log_files
from caxton_node.audit.writer import Writer

pytestmark = pytest.mark.story("037")

DAY_US = 86_400_000_000
NOW_US = 1_795_000_000_000_000


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log of three files, one of them torn by a crash."""
    folder = tmp_path_factory.mktemp("audit")
    for day in range(3):
        writer = Writer(AuditSettings(folder, "n1"))
        subject = "agent-" + "ä" * day
        records = [AuditRecord(0, "2026-11-18T14:13:20.000000Z", "Stop", subject=subject) for _ in range(4)]
        writer.write(records, NOW_US + day * DAY_US)
        writer.close()
        if day == 1:
            with log_files(folder)[-1].path.open("ab") as file:
                file.write(b'{"seq":')
    assert verify(folder).is_whole
    return folder


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_change_of_any_byte_is_found(log: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(log_files(log))).path
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != before[at]))
    _assert_found(log, path, before[:at] + bytes([byte]) + before[at + 1 :], before)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bytes_that_were_taken_out_or_put_in_are_found(log: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(log_files(log))).path
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before) - 1))
    end = data.draw(st.integers(start, len(before)))
    put_in = data.draw(st.binary(max_size=30))
    after = before[:start] + put_in + before[end:]
    if after != before:
        _assert_found(log, path, after, before)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_lines_in_another_order_are_found(log: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(log_files(log))).path
    before = path.read_bytes()
    lines = before.splitlines(keepends=True)
    after = b"".join(data.draw(st.permutations(lines)))
    if after != before:
        _assert_found(log, path, after, before)


def _assert_found(log: Path, path: Path, after: bytes, before: bytes) -> None:
    path.write_bytes(after)
    try:
        assert not verify(log).is_whole
    finally:
        path.write_bytes(before)
