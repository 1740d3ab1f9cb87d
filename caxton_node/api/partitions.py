"""Handlers about splits of the cluster."""

from __future__ import annotations

from dataclasses import asdict

from caxton_node.api.asking import Answers, ask_others, listed
from caxton_node.api.call import Call
from caxton_node.api.members import MemberNotFound
from caxton_node.api.services import Services
from caxton_node.cluster.partitions import Standpoint
from caxton_node.cluster.reunion import PartitionReport
from caxton_node.core.errors import InvalidArgument, StateError
from caxton_node.core.ids import check_node_id
from caxton_node.observability.logs import get_logger
from caxton_node.pb import cluster_pb2 as pb

RESOLVE = "ClusterService/ResolvePartition"
FORGET_MAX = 10_000

_log = get_logger("cluster")


class MemberAlive(StateError):
    """A member that is alive cannot be given up; nothing was changed."""

    code = "MEMBER_ALIVE"


async def get_partition(
    services: Services, _request: pb.GetPartitionRequest, _call: Call
) -> pb.GetPartitionResponse:
    """Tell which side of a split this node is on."""
    at = services.cluster.sides.standpoint
    reports = await services.diary.reports()
    return pb.GetPartitionResponse(
        node_id=services.node_id,
        view=at.view.value,
        on_minority=services.config.cluster.on_minority,
        alive=at.alive,
        agreed=at.agreed,
        lost=at.lost,
        waiting=at.waiting,
        reports=[_report_of(report) for report in reports],
    )


async def resolve_partition(
    services: Services, request: pb.ResolvePartitionRequest, call: Call
) -> pb.ResolvePartitionResponse:
    """Give up dead members, here and on every node that is reached."""
    nodes = _chosen(services.cluster.sides.standpoint, request)
    await services.cluster.give_up(nodes, call.principal.name)
    at = services.cluster.sides.standpoint
    _log.warning("members were given up", forgotten=nodes, by=call.principal.name, view=at.view.value)
    own = pb.Resolution(node=services.node_id, view=at.view.value)
    if request.here_only:
        return pb.ResolvePartitionResponse(forgotten=nodes, nodes=[own])
    answers = await ask_others(
        services.cluster,
        RESOLVE,
        lambda node: pb.ResolvePartitionRequest(node=node, forget=nodes, here_only=True),
        pb.ResolvePartitionResponse,
        call,
    )
    return pb.ResolvePartitionResponse(forgotten=nodes, nodes=[own, *_others(answers)])


def _chosen(at: Standpoint, request: pb.ResolvePartitionRequest) -> list[str]:
    """Return whom to give up, by id; nobody if all dead are and no one counts, so that the living shall.

    Raises:
        InvalidArgument: Nobody is named.
        MemberNotFound: Somebody named is not one of those that count.
        MemberAlive: Somebody named is alive.
    """
    if len(request.forget) > FORGET_MAX:
        raise InvalidArgument(
            f"{len(request.forget):,} members are too many", why=f"{FORGET_MAX:,} is the most"
        )
    named = sorted({check_node_id(node) for node in request.forget})
    alive = sorted(set(named).intersection(at.alive))
    if alive:
        raise MemberAlive(
            f"{listed(alive)} {'is' if len(alive) == 1 else 'are'} alive and cannot be given up",
            why="this node sees it",
            hint="caxton cluster leave --node says goodbye for a node that should go",
        )
    if request.here_only:  # whoever began has checked it; here somebody may count no more already
        return named
    strangers = sorted(set(named).difference(at.agreed))
    if strangers:
        raise MemberNotFound(
            f"no member {listed(strangers)} counts here",
            why="it was given up before, or has left in order",
            hint="caxton cluster partition shows who counts",
        )
    chosen = sorted({*named, *at.lost}) if request.forget_all_dead else named
    if not chosen and not (request.forget_all_dead and not at.agreed):
        raise InvalidArgument(
            "nobody is to be given up",
            why="no member that counts is missing" if request.forget_all_dead else "no member was named",
            hint="caxton cluster partition shows who is missing",
        )
    return chosen


def _others(answers: Answers[pb.ResolvePartitionResponse]) -> list[pb.Resolution]:
    done = [resolution for answer in answers.by_node.values() for resolution in answer.nodes]
    failed = [pb.Resolution(node=node, error=reason) for node, reason in answers.silent.items()]
    return sorted([*done, *failed], key=lambda resolution: resolution.node)


def _report_of(report: PartitionReport) -> pb.PartitionReport:
    return pb.PartitionReport(**{**asdict(report), "view": report.view.value})
