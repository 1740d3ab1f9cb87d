"""The other nodes: the port, so that a taken one is known before any agent starts; nothing is sent yet."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Self

from caxton_node import __version__
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.store import Store
from caxton_node.cluster.addresses import advertised_address, resolve
from caxton_node.cluster.agreement import Book
from caxton_node.cluster.diary import Diary
from caxton_node.cluster.facts import NodeFacts
from caxton_node.cluster.keys import GossipKeys
from caxton_node.cluster.rotation import Rotation
from caxton_node.cluster.service import Cluster
from caxton_node.core.addresses import host_port
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import get_logger
from caxton_node.operations.components import check_certificate, check_cluster, check_mesh
from caxton_node.settings import gossip_encryption, mesh_settings, node_labels, swim_settings, trust_settings
from caxton_node.trust import TrustService
from swim import Identity, Keyring, Membership

SAVE_MEMBERS_S = 5.0

_log = get_logger("daemon")


@dataclass(frozen=True, slots=True)
class Company:
    """Membership, the mesh, and whom this node trusts.

    Attributes:
        cluster: Members and the way to them.
        keys: The gossip keys.
        rotation: Changes them on all nodes.
        trust: Certificates and authorities.
        diary: What has happened to members.
    """

    cluster: Cluster
    keys: GossipKeys
    rotation: Rotation
    trust: TrustService
    diary: Diary
    _ground: Ground
    _store: Store

    @classmethod
    async def open(cls, ground: Ground, store: Store) -> Self:
        """Take the port of the mesh.

        Raises:
            CaxtonError: It is taken, or a certificate cannot be used.
        """
        files, config, stack = ground.files, ground.config, ground.stack
        cluster = Cluster(
            credentials=files.credentials,
            settings=mesh_settings(config),
            epoch=store.epoch,
            clock=ground.clock,
            bus=ground.bus,
        )
        stack.push_async_callback(cluster.close)
        keyring = Keyring(files.cluster, files.gossip_keys, encryption=gossip_encryption(config))
        rng = random.Random()  # noqa: S311  probes and gossip need no secret chance
        await _join_core(cluster, ground, store, keyring, rng)
        keys = GossipKeys(
            keyring=keyring,
            data_dir=config.data.dir,
            cluster=cluster,
            known=[*files.sponsor, *await store.members.read_known()],
            rng=rng,
        )
        rotation = Rotation(cluster, keys)
        trust = TrustService(
            files=files,
            data_dir=config.data.dir,
            cluster=cluster,
            rotation=rotation,
            bus=ground.bus,
            clock=ground.clock,
            settings=trust_settings(config),
            rng=rng,
        )
        ground.health.add(
            {
                "certificate": check_certificate(trust.expiry),
                "cluster": check_cluster(cluster),
                "mesh": check_mesh(cluster),
            }
        )
        trust.revoking.void_join_tokens = store.tokens.void_join_tokens
        keys.before_take_over = trust.compare_with
        stack.push_async_callback(trust.close)
        cluster.sides.keep = store.members.save_book
        diary = Diary(store.database, ground.bus, ground.clock, files.node_id)
        stack.push_async_callback(diary.close)
        return cls(cluster, keys, rotation, trust, diary, ground, store)

    async def start(self) -> None:
        """Begin to gossip: from here on others send us work."""
        ground = self._ground
        remembered = await self._store.members.read_addresses()
        seeds = [*await resolve(ground.files.seeds), *remembered]
        self.cluster.start(list(dict.fromkeys(seeds)))
        self.cluster.tell(self._facts())
        self.trust.listen(lambda _held: self.cluster.tell(self._facts()))
        self.trust.start()
        ground.stack.push_async_callback(self._save_members)  # after the goodbye, which changes who counts
        ground.stack.push_async_callback(self.cluster.leave)
        ground.in_background(self._keep_members(), "members-saver")
        ground.in_background(self.keys.watch(), "gossip-keys")

    def _facts(self) -> NodeFacts:
        ground = self._ground
        grpc = ground.listening.get("grpc", "")
        return NodeFacts(grpc, __version__, self.trust.signs, node_labels(ground.config))

    async def _keep_members(self) -> None:
        while True:
            await asyncio.sleep(SAVE_MEMBERS_S)
            self.cluster.warn_of_strangers()
            await self._save_members()

    async def _save_members(self) -> None:
        members = self._store.members
        others = [member for member in self.cluster.members() if member.node_id != self._ground.node_id]
        try:
            await members.save_members(others, self._ground.clock.unix_us() // 1000)
            await members.save_book(self.cluster.sides.lines())
        except CaxtonError as err:  # a full disk passes; the next turn saves the same again
            _log.warning("the members were not saved", reason=str(err))


async def _join_core(
    cluster: Cluster, ground: Ground, store: Store, keyring: Keyring, rng: random.Random
) -> None:
    """Open the port and give the cluster its membership, which knows the address by then."""
    files, mesh = ground.files, ground.config.mesh
    port = await cluster.open(mesh.host, mesh.port)
    address = advertised_address(mesh.host, port, mesh.advertise)
    facts = NodeFacts("", __version__, files.authority is not None, node_labels(ground.config))
    identity = Identity(files.node_id, address, store.epoch, facts.pack())
    swim = swim_settings(ground.config)
    core = Membership(identity, swim, keyring, rng)
    book = Book(await store.members.read_book())
    cluster.take(core, book, probe_interval_s=swim.probe_interval_s)
    ground.listening["mesh"] = host_port(address[0], port)
