"""Changing the gossip keys after a revocation, without waiting for members that do not answer."""

from __future__ import annotations

from caxton_node.cluster.keys import KeysChanged
from caxton_node.cluster.rotation import Rotation
from caxton_node.core.errors import CaxtonError
from caxton_node.observability.logs import get_logger

TRIES = 3

_log = get_logger("trust")


async def change_gossip_keys(rotation: Rotation) -> None:
    """Put another key in the place of all that the revoked node knows; who is away fetches it later.

    If somebody else changes them at the same time, that one may have begun before the revocation, so it is
    done again.
    """
    for _ in range(TRIES):
        try:
            await _rotate(rotation)
        except KeysChanged:
            continue
        except CaxtonError as err:
            _log.error(
                "the gossip keys were not changed after a revocation",
                reason=str(err),
                hint="caxton cluster keys rotate",
            )
        return


async def _rotate(rotation: Rotation) -> None:
    async for step in rotation.rotate(force=True):
        failed = [found.node for found in step.failed]
        _log.info(
            "gossip keys after a revocation", step=str(step.name), members=len(step.nodes), silent=failed
        )
