"""Calls about limits of calls."""

from __future__ import annotations

from caxton_node.client.noun import Noun
from caxton_node.pb import limits_pb2 as pb


class Limits(Noun):
    """See how much clients may ask, and change it on every node."""

    service = "LimitService"

    def list(self) -> pb.ListLimitsResponse:
        """Return the limits in force, by scope, and how busy the node is."""
        return self._call("ListLimits", pb.ListLimitsRequest(), pb.ListLimitsResponse)

    def set(
        self, scope: str, *, calls: float, per_s: float = 1.0, burst: int = 0, client: str = ""
    ) -> pb.Limit:
        """Set a limit on every node.

        Args:
            scope: node, client, anonymous, a class of calls, or an operation such as
                CaxtonManagement.DeployAgent.
            calls: So many calls; 0 for no limit.
            per_s: In so many seconds.
            burst: So many at once; 0 for as many as `calls`.
            client: Only for this one, as kind:name.

        Raises:
            InvalidArgument: There is no such limit, or it cannot be set so.
        """
        request = pb.SetLimitRequest(scope=scope, client=client, calls=calls, per_s=per_s, burst=burst)
        return self._call("SetLimit", request, pb.SetLimitResponse).limit

    def reset(self, scope: str, *, client: str = "") -> pb.Limit:
        """Go back to what the configuration says, on every node; returns that.

        Raises:
            NotFound: Nobody has set it.
        """
        request = pb.ResetLimitRequest(scope=scope, client=client)
        return self._call("ResetLimit", request, pb.ResetLimitResponse).limit
