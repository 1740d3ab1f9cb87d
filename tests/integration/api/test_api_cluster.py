import asyncio

import pytest

from caxton_node.cluster.joining import join_cluster
from caxton_node.core.errors import AlreadyExists, Forbidden, InvalidArgument, NotFound, Unauthorized
from caxton_node.pb import cluster_pb2 as pb
from tests.support.api import call, founder, newcomer

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]


async def test_every_node_lists_every_member(n1, n2):
    for node, me in ((n1, "n1"), (n2, "n2")):
        members = await call(node.local, lambda client: client.cluster.members())
        assert [(member.node_id, member.state) for member in members] == [
            ("n1", pb.MEMBER_STATE_ALIVE),
            ("n2", pb.MEMBER_STATE_ALIVE),
        ]
        assert [member.node_id for member in members if member.is_self] == [me]
        assert all(member.api_address and member.version for member in members)


async def test_the_status_of_another_node_is_its_own(n1, n2):
    status = await call(n1.local, lambda client: client.cluster.status(node="n2"))
    assert (status.node_id, status.cluster, status.members_alive) == ("n2", "test", 2)
    assert status.listening["grpc"] == n2.grpc
    assert status.gossip_bytes_out > 0
    assert [link.peer for link in status.links] == ["n1"]
    counts = status.messages
    settled = counts.delivered + counts.forwarded + counts.refused + counts.dead_lettered + counts.handed_back
    assert counts.accepted == settled + counts.in_flight


async def test_metrics_and_settings_can_be_read_of_any_node(n1, n2):
    found = await call(n1.local, lambda client: client.server.metrics(node="n2", prefix="caxton_grpc"))
    names = {metric.name: metric.type for metric in found}
    assert names["caxton_grpc_requests_total"] == "counter"
    assert names["caxton_grpc_request_duration_seconds"] == "histogram"
    settings = await call(n1.local, lambda client: client.server.config(node="n2"))
    values = {setting.key: setting.value_json for setting in settings}
    assert values["data.dir"] == f'"{n2.data_dir}"'
    assert list(values) == sorted(values)


async def test_a_watcher_sees_members_come_and_go(n1, tmp_path):
    loop = asyncio.get_running_loop()
    seen: list[tuple[str, str]] = []
    ready = asyncio.Event()

    def watch(client):
        for event in client.cluster.watch():
            seen.append((event.change, event.member.node_id))
            if len([1 for change, _ in seen if change == "present"]) >= 1:
                loop.call_soon_threadsafe(ready.set)
            if event.member.node_id == "n3" and event.change == "left":
                return

    watching = asyncio.create_task(call(n1.local, watch))
    async with asyncio.timeout(20):
        await ready.wait()
        async with newcomer(n1, tmp_path / "n3", "n3"):
            pass
        await watching
    assert ("present", "n1") in seen
    assert seen.index(("joined", "n3")) < seen.index(("left", "n3"))


async def test_a_join_token_is_checked_in_every_way(n1, tmp_path):
    token = (await call(n1.local, lambda client: client.cluster.create_join_token())).token

    async def join(name: str, text: str) -> None:
        await asyncio.to_thread(join_cluster, tmp_path / name, n1.grpc, text, "n7", ["127.0.0.1"])

    with pytest.raises(InvalidArgument):
        await join("a", "no token")
    with pytest.raises((Unauthorized, Forbidden, InvalidArgument)):
        await join("b", token[:-4] + "AAAA")
    with pytest.raises(AlreadyExists, match="n2 is taken"):
        await asyncio.to_thread(join_cluster, tmp_path / "c", n1.grpc, token, "n2", ["127.0.0.1"])
    async with founder(tmp_path / "other", "n1") as other:
        with pytest.raises(Forbidden, match="not of the cluster"):
            await asyncio.to_thread(join_cluster, tmp_path / "d", other.grpc, token, "n7", ["127.0.0.1"])
    with pytest.raises(InvalidArgument, match="cannot live for 5 s"):
        await call(n1.local, lambda client: client.cluster.create_join_token(lifetime_s=5))


async def test_leave_stops_the_node_that_is_named(tmp_path):
    async with founder(tmp_path / "n1", "n1") as node:
        with pytest.raises(NotFound, match="no node n9"):
            await call(node.local, lambda client: client.cluster.leave(node="n9"))
        assert await call(node.local, lambda client: client.cluster.leave()) == "n1"
        async with asyncio.timeout(5):
            await node.daemon.stop.wait()
