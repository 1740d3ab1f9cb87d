"""How a running node is: the numbers of its parts for the metrics; whether it is well says `operations/`.

The parts count for themselves in plain integers; this file gives them their names in the table of
instruments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from caxton_node.agents.service import AgentService
from caxton_node.cluster.mesh_readings import mesh_readings
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.service import Cluster
from caxton_node.messaging import Router
from caxton_node.messaging.dead_letter_office import DeadLetterOffice
from caxton_node.messaging.latency import bucket_bound_s
from caxton_node.observability import HistogramValue, Reading
from caxton_node.observability.board import reading
from caxton_node.runtime.pool import Pool
from caxton_node.runtime.scheduler import Scheduler
from caxton_node.storage import Database
from caxton_node.trust import TrustService


class Vitals:
    """Reads the parts of a node; every method is safe on any thread.

    Args:
        router: Of this node.
        scheduler: Of this node.
        cluster: Of this node.
        database: Of this node.
        agents: Of this node.
        pool: Of this node.
        dead_letters: Of this node.
        trust: Of this node.
    """

    def __init__(
        self,
        *,
        router: Router,
        scheduler: Scheduler,
        cluster: Cluster,
        database: Database,
        agents: AgentService,
        pool: Pool,
        dead_letters: DeadLetterOffice,
        trust: TrustService,
    ) -> None:
        self._router = router
        self._scheduler = scheduler
        self._cluster = cluster
        self._database = database
        self._agents = agents
        self._pool = pool
        self._dead_letters = dead_letters
        self._trust = trust

    def readings(self) -> Iterable[Reading]:
        """Return every number that the parts keep for themselves."""
        yield from self._of_messages()
        yield from self._of_cluster()
        yield from self._of_pool()

    def _of_messages(self) -> Iterable[Reading]:
        counts = self._router.counts()
        outcomes = {
            "delivered": counts.delivered,
            "forwarded": counts.forwarded,
            "refused": counts.refused,
            "dead_lettered": counts.dead_lettered,
            "malformed": counts.malformed,
        }
        for outcome, value in outcomes.items():
            yield reading("caxton_messages_total", value, outcome=outcome)
        yield reading("caxton_messages_in_flight", counts.in_flight)
        yield reading("caxton_messages_parked", counts.parked)
        yield from self._of_conversations()
        yield from self._of_durable()
        yield reading("caxton_dead_letters", self._dead_letters.kept)
        for reason, letters in self._dead_letters.counts().items():
            yield reading("caxton_dead_letters_total", letters.total, reason=reason)
            yield reading("caxton_dead_letters_forgotten_total", letters.forgotten, reason=reason)
        yield reading("caxton_message_latency_seconds", self._waiting_times())
        yield from self._of_budgets()
        yield from self._of_turns()

    def _of_durable(self) -> Iterable[Reading]:
        durable = self._router.durable
        if durable is not None:
            yield reading("caxton_outbox_messages", durable.waiting)
            yield reading("caxton_outbox_bytes", durable.waiting_bytes)
            yield reading("caxton_outbox_sent_total", durable.launched)
            yield reading("caxton_durable_handled", durable.remembered)

    def _of_conversations(self) -> Iterable[Reading]:
        conversations = self._router.conversations
        yield reading("caxton_conversations_open", conversations.open_count)
        for protocol, begun in conversations.opened.items():
            yield reading("caxton_conversations_total", begun, protocol=protocol)
        yield reading("caxton_protocol_violations_total", conversations.faults)
        yield reading("caxton_protocol_unjudged_total", conversations.unjudged)
        yield reading("caxton_trace_spans_dropped_total", self._router.tracking.spans_dropped)

    def _of_budgets(self) -> Iterable[Reading]:
        budgets = self._router.budgets
        ledger = budgets.ledger
        yield reading("caxton_budget_purses", len(budgets))
        yield reading("caxton_budget_dropped_total", budgets.dropped)
        yield reading("caxton_budget_refusals_total", ledger.refusals)
        outcomes = {
            "granted": ledger.granted,
            "spent": ledger.spent,
            "overdrawn": ledger.overdrawn,
            "unused": ledger.unused,
            "lost": ledger.lost,
        }
        for outcome, usage in outcomes.items():
            for amount, value in usage._asdict().items():
                yield reading("caxton_budget_amounts_total", value, amount=amount, outcome=outcome)

    def _of_pool(self) -> Iterable[Reading]:
        numbers = self._pool.numbers()
        yield reading("caxton_pool_instances", numbers.warm)
        yield reading("caxton_pool_memory_bytes", numbers.memory_bytes)
        yield reading("caxton_pool_starts_total", numbers.hits, outcome="warm")
        yield reading("caxton_pool_starts_total", numbers.misses, outcome="cold")
        yield reading("caxton_pool_recycled_total", numbers.recycled)

    def _waiting_times(self) -> HistogramValue:
        cells = list(self._router.latency.cells)
        bounds = tuple(bucket_bound_s(bucket) for bucket in range(len(cells) - 1))
        return HistogramValue(bounds, tuple(cells), self._router.latency.total_ns / 1e9)

    def _of_turns(self) -> Iterable[Reading]:
        load = self._scheduler.load()
        for strategy, counts in load.by_strategy.items():
            yield reading("caxton_turns_total", counts.turns, strategy=strategy)
            yield reading("caxton_turns_full_total", counts.full, strategy=strategy)
            yield reading("caxton_turn_messages_total", counts.messages, strategy=strategy)
            yield reading("caxton_message_batch_average", counts.average, strategy=strategy)
        # Cell b counts batches of 2**(b-1) to 2**b - 1 messages.
        cells, total = load.batch_cells, sum(counts.messages for counts in load.by_strategy.values())
        bounds = tuple(float((1 << bucket) - 1) for bucket in range(len(cells) - 1))
        yield reading("caxton_message_batch_size", HistogramValue(bounds, cells, float(total)))

    def _of_cluster(self) -> Iterable[Reading]:
        statuses = Counter(member.state.value for member in self._cluster.members())
        for status in ("alive", "suspect", "dead", "left"):
            yield reading("caxton_cluster_nodes", statuses[status], status=status)
        statistics = self._cluster.membership.statistics
        yield reading("caxton_gossip_bytes_total", statistics.bytes_in, direction="in")
        yield reading("caxton_gossip_bytes_total", statistics.bytes_out, direction="out")
        for reason, dropped in statistics.dropped.items():
            yield reading("caxton_gossip_dropped_total", dropped, reason=reason.value)
        yield from self._of_sides()
        yield from mesh_readings(self._cluster.peers(), self._cluster.mesh_stats)

    def _of_sides(self) -> Iterable[Reading]:
        sides = self._cluster.sides
        at = sides.standpoint
        for view in PartitionView:
            yield reading("caxton_cluster_view", int(view is at.view), view=view)
            yield reading("caxton_cluster_view_changes_total", sides.changes[view], view=view)
        yield reading("caxton_cluster_agreed", at.seen, state="seen")
        yield reading("caxton_cluster_agreed", len(at.lost), state="lost")
        yield reading("caxton_cluster_splits_healed_total", sides.healed)
        yield reading("caxton_cluster_stalls_total", self._cluster.stalls)
        for change, count in self._cluster.news.counts.items():
            yield reading("caxton_cluster_member_events_total", count, change=change)
