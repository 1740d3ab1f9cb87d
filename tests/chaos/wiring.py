"""What the scenarios rest on: a cut is one-way, silent, complete, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.chaos.network import Network, between, list_namespaces, one_way

pytestmark = pytest.mark.story("018")

PORT = 7946
PATIENCE_S = 20
LISTEN = """
import socket
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("0.0.0.0", {port}))
print("listening", flush=True)
print(heard.recv(64).decode(), flush=True)
"""
SAY = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(sys.argv[2].encode(), (sys.argv[1], {port}))
"""


class Ear:
    """A program on a host that prints the first datagram which reaches it."""

    def __init__(self, host):
        command = host.command(sys.executable, "-c", LISTEN.format(port=PORT))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "listening\n"

    def first_word(self):
        words, _ = self.process.communicate(timeout=PATIENCE_S)
        return words.strip()


def say(sender, receiver, word):
    """Send one datagram; a sender that is told of a failure fails the test."""
    command = sender.command(sys.executable, "-c", SAY.format(port=PORT), receiver.address, word)
    subprocess.run(command, check=True, timeout=PATIENCE_S)


@pytest.fixture
def network():
    with Network() as opened:
        yield opened


def test_a_cut_swallows_one_direction_without_a_word_and_leaves_the_other(network):
    first, second = network.attach("n1"), network.attach("n2")
    at_first, at_second = Ear(first), Ear(second)
    network.cut(one_way(["n1"], ["n2"]))
    say(first, second, "into the cut")
    say(second, first, "the other way")
    assert at_first.first_word() == "the other way"
    network.cut(())
    say(first, second, "after the cut")
    assert at_second.first_word() == "after the cut"


def test_a_host_that_comes_into_a_split_is_on_its_side_from_the_first_moment(network):
    first, second = network.attach("n1"), network.attach("n2")
    network.cut(between(["n1"], ["n2"]))
    third = network.attach("n3", between(["n3"], ["n2"]))
    at_first, at_second = Ear(first), Ear(second)
    say(third, second, "across")
    say(third, first, "along")
    assert at_first.first_word() == "along"
    network.cut(())
    say(third, second, "at last")
    assert at_second.first_word() == "at last"


def test_a_network_that_is_closed_leaves_nothing_behind(network):
    host = network.attach("n1")
    ear = Ear(host)
    network.close()
    assert ear.process.wait(PATIENCE_S) != 0
    ear.process.stdout.close()
    assert host.namespace not in list_namespaces()
