"""The benchmark of the API measures what it says: calls that were answered, by a node and by the echo."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.api import echo, place, unary
from tests.bench.api.calls import Caller
from tests.support.api import founder

pytestmark = pytest.mark.story("006")


async def test_calls_to_a_node_and_to_the_echo_are_answered_and_counted(tmp_path):
    settings = [f"{key}={value}" for key, value in place.FREE.items()]
    async with founder(tmp_path / "n1", "n1", *settings) as node:

        def measure() -> tuple[int, int, int]:
            with (
                place.echo(tmp_path / "n1" / "certs") as bare,
                Caller(node.grpc, node.ca_pem, unary.METHOD, token=node.admin_token) as ours,
                Caller(bare.address, node.ca_pem, echo.METHOD, b"x") as theirs,
            ):
                return len(ours.in_turn(20)), ours.at_once(0.1)[0], theirs.at_once(0.1)[0]

        in_turn, ours, theirs = await asyncio.to_thread(measure)
        counter = node.daemon.ground.board.counter(
            "caxton_grpc_requests_total", method=unary.METHOD.partition("/caxton.v1.")[2], code="OK"
        )
        assert counter.value == in_turn + ours
    assert (in_turn, theirs > 0) == (20, True)


async def test_a_call_that_fails_ends_the_measurement(tmp_path):
    async with founder(tmp_path / "n1") as node:

        def measure() -> None:
            with Caller(node.grpc, node.ca_pem, unary.METHOD, token="none") as ours:
                ours.at_once(5)

        with pytest.raises(Exception, match="UNAUTHENTICATED"):
            await asyncio.to_thread(measure)
