"""The audit log and processes: one that is killed while it writes, and commands that read what is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from caxton_node.audit import AuditRecord, AuditSettings, verify
from caxton_node.audit.writer import Writer
from tests.support.cli import caxton_node

pytestmark = pytest.mark.story("037")

TIME = "2026-11-18T14:13:20.000000Z"
NOW_US = 1_795_000_000_000_000
WRITE_FOR_EVER = f"""
import sys
from pathlib import Path
from caxton_node.audit import AuditRecord, AuditSettings
from caxton_node.audit.writer import Writer
from tests.support.cli import caxton_node
writer = Writer(AuditSettings(Path(sys.argv[1]), "n1", file_bytes_max=200_000))
while True:
    records = [AuditRecord(0, "{TIME}", "StopAgent", subject="a" * 300) for _ in range(50)]
    writer.write(records, {NOW_US})
    print(records[-1].seq, flush=True)
"""


@pytest.mark.parametrize("written", [3, 17, 40])
def test_what_was_on_disk_is_there_after_a_kill_and_the_chain_goes_on(tmp_path: Path, written: int) -> None:
    surely = 0
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(written):
                surely = int(process.stdout.readline())
            process.kill()
        assert not [each for each in verify(tmp_path).findings if each.problem != "cut-off"]
    writer = Writer(AuditSettings(tmp_path, "n1"))
    writer.write([AuditRecord(0, TIME, "Back")], NOW_US)
    writer.close()
    verdict = verify(tmp_path)
    assert verdict.findings == []
    assert verdict.last_seq > surely


def test_a_folder_is_verified_in_the_shell_without_a_node(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    writer = Writer(AuditSettings(folder, "n1"))
    writer.write([AuditRecord(0, TIME, "StopAgent", subject="one")], NOW_US)
    writer.close()
    whole = caxton_node("audit", "verify", folder)
    assert (whole.code, whole.out.splitlines()[1].split()[:2]) == (0, ["records", "2"])
    path = next(folder.glob("audit-*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"two"'))
    changed = caxton_node("audit", "verify", folder)
    assert (changed.code, "changed at record 2" in changed.err, "FILE" in changed.out) == (1, True, True)
    nothing = caxton_node("audit", "verify", tmp_path)
    assert (nothing.code, "no audit log" in nothing.err) == (3, True)
