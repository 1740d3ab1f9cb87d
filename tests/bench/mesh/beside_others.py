"""The part without guests: the mesh beside stock aioquic, grpc.aio and plain TCP in the same run."""

from __future__ import annotations

from tests.bench.mesh import link_latency
from tests.bench.mesh.links import emit, measure
from tests.bench.mesh.plan import Plan
from tests.bench.mesh.sides import open_sides
from tests.bench.mesh.way_grpc import GrpcWay
from tests.bench.mesh.way_mesh import MeshWay
from tests.bench.mesh.way_plain import PlainWay
from tests.bench.mesh.way_stock_quic import StockQuicWay
from tests.bench.mesh.ways import Way
from tests.bench.report import Reporter

SIZE_BYTES = 200
KINDS = ("tcp", "quic")
ETHERNET, LOOPBACK = 1_452, 8_900
"""Datagrams as the mesh chooses them between two machines, and on one."""


def run(reporter: Reporter, plan: Plan, *, quick: bool) -> None:
    """Measure all ways and report the ratios."""
    ways: list[Way] = [
        PlainWay("plain", SIZE_BYTES),
        MeshWay("tcp", "tcp", SIZE_BYTES),
        MeshWay("quic", "quic", SIZE_BYTES),
        GrpcWay("grpc", SIZE_BYTES),
        MeshWay("quic-ethernet", "quic", SIZE_BYTES, ETHERNET),
        StockQuicWay("stock-ethernet", SIZE_BYTES, ETHERNET),
    ]
    if not quick:
        ways.append(StockQuicWay("stock-loopback", SIZE_BYTES, LOOPBACK))
    with open_sides() as sides:
        found = measure(sides, ways, rounds=plan.link_rounds, seconds=plan.link_s)
        for name in KINDS:
            way = MeshWay(name, name, SIZE_BYTES)
            link_latency.run(reporter, sides, way, plan.latency_s, half=int(found[name].per_second / 2))
    for metric, ours, theirs, note in (
        ("vs_raw_tcp", "tcp", "plain", "TLS 1.3 over TCP / plain asyncio TCP"),
        ("vs_grpc", "quic", "grpc", "QUIC as on loopback / a grpc.aio stream with mutual TLS"),
        ("vs_raw_quic", "quic-ethernet", "stock-ethernet", f"datagrams of {ETHERNET:,} bytes on both sides"),
        ("vs_raw_quic_loopback", "quic", "stock-loopback", f"datagrams of {LOOPBACK:,} bytes on both sides"),
    ):
        if theirs in found:
            emit(reporter, metric, found[ours], found[theirs], size_bytes=SIZE_BYTES, note=note)
