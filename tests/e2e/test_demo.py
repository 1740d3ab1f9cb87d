"""The demonstration itself: it plays to the end, and Ctrl-C leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from tests.support.nodes import ROOT

COMMAND = [sys.executable, "-m", "caxton_node.devkit.demo"]


@pytest.fixture
def scratch(tmp_path):
    return {**os.environ, "TMPDIR": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "140"}


def test_the_demonstration_plays_to_its_end_and_clears_up(scratch, tmp_path):
    done = subprocess.run(
        COMMAND, capture_output=True, text=True, check=False, cwd=ROOT, env=scratch, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "three members",
        "every node knows all eight",
        '"winner":"mason-3@n3"',
        "declares n3 dead",
        "a member again",
    ):
        assert line in done.stdout
    assert len(re.findall(r"\b0 hanging", done.stdout)) >= 2
    assert "Try next" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


@pytest.mark.parametrize("act", ["1  A cluster", "2  Agents", "4  n3 dies"])
def test_an_interrupt_in_any_act_leaves_no_process_and_no_file(scratch, tmp_path, act):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "bufsize": 1}
    said = []
    with subprocess.Popen(COMMAND, cwd=ROOT, env=scratch, **pipes) as playing:
        for line in playing.stdout:
            said.append(line)
            if act in line:
                playing.send_signal(signal.SIGINT)
    assert playing.returncode == 130, "".join(said)
    assert "Traceback" not in "".join(said)
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


def processes_in(folder):
    """List processes whose command line names a directory."""
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(folder) in line]
