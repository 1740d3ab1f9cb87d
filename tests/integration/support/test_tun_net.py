"""The network that tests make for themselves: as slow, lossy and split as it is told, and gone with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.rough_line import PERFECT, Conditions, Kind
from tests.support.tun_net import TunNet, find_obstacle

OBSTACLE = find_obstacle()
pytestmark = [
    pytest.mark.story("019"),
    pytest.mark.skipif(bool(OBSTACLE), reason=f"no network of its own for this test: {OBSTACLE}"),
]

PATIENCE_S = 20
LISTEN = """
import socket, sys, time
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("0.0.0.0", 7946))
print("listening", flush=True)
for _ in range(int(sys.argv[1])):
    data = heard.recv(64)
    print(f"{time.monotonic() - float(data[1:]):.4f} {data[:1]}", flush=True)
"""
SAY = """
import socket, sys, time
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[2])):
    mouth.sendto(sys.argv[3].encode() + b"%f" % time.monotonic(), (sys.argv[1], 7946))
"""
TCP = """
import socket, sys
if sys.argv[1] == "serve":
    listening = socket.create_server(("0.0.0.0", 7946))
    print("listening", flush=True)
    accepted, _ = listening.accept()
    print(sum(iter(lambda: len(accepted.recv(65536)), 0)), flush=True)
else:
    with socket.create_connection((sys.argv[1], 7946), 15) as line:
        line.sendall(bytes(200_000))
"""


@pytest.fixture
def net():
    with TunNet(seed=3) as opened:
        yield opened


def listen(host, code, *words):
    """Start a program on a host and return it when it listens."""
    command = host.command(sys.executable, "-c", code, *words)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "listening\n"
    return process


def said(process):
    """Return the lines that a program wrote until its end."""
    words, _ = process.communicate(timeout=PATIENCE_S)
    return words.splitlines()


def say(host, code, *words):
    subprocess.run(host.command(sys.executable, "-c", code, *map(str, words)), check=True, timeout=PATIENCE_S)


def test_datagrams_are_late_by_the_delay_and_counted(net) -> None:
    first, second = net.attach("n1"), net.attach("n2")
    net.change(Conditions(delay_s=0.05))
    ear = listen(second, LISTEN, "20")
    say(first, SAY, second.address, 20, "g")
    lates_s = sorted(float(line.split()[0]) for line in said(ear))
    assert 0.05 <= lates_s[0] < 0.1
    assert net.count("n1", "n2")["passed"] == 20


def test_a_cut_and_a_block_swallow_without_a_word_and_only_what_they_should(net) -> None:
    first, second = net.attach("n1"), net.attach("n2")
    ear = listen(second, LISTEN, "1")
    net.cut({("n1", "n2")})
    say(first, SAY, second.address, 5, "\x01")
    net.cut(())
    net.change_line("n1", "n2", PERFECT.blocking(frozenset({Kind.GOSSIP})))
    say(first, SAY, second.address, 5, "\x01")
    say(first, SAY, second.address, 1, "Q")
    assert said(ear)[0].endswith("b'Q'")
    assert net.count("n1", "n2") | {"late_s": 0} == {"passed": 1, "lost": 10, "late_s": 0}


def test_tcp_gets_through_loss(net) -> None:
    first, second = net.attach("n1"), net.attach("n2")
    net.change(Conditions(delay_s=0.005, loss=0.05))
    server = listen(second, TCP, "serve")
    say(first, TCP, second.address)
    assert said(server) == ["200000"]
    assert net.count("n1", "n2")["lost"] > 0


def test_nothing_is_left_when_the_box_is_killed(net) -> None:
    host = net.attach("n1")
    place = Path(host.namespace)
    ear = listen(host, "print('listening', flush=True); import time; time.sleep(60)")
    inside = read_link(Path(f"/proc/{ear.pid}/ns/net"))
    assert inside == read_link(place) != read_link(Path("/proc/self/ns/net"))
    os.kill(int(place.parts[2]), signal.SIGKILL)
    ear.kill()
    said(ear)
    net.close()
    assert not place.exists()
    assert inside not in {read_link(path) for path in Path("/proc").glob("[0-9]*/ns/net")}


def read_link(path):
    try:
        return str(path.readlink())
    except OSError:  # a process that has ended meanwhile
        return ""
