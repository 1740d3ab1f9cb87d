"""Calls about API keys, and about who calls."""

from __future__ import annotations

from collections.abc import Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import access_keys_pb2 as pb


class AccessKeys(Noun):
    """Make API keys, see, replace and revoke them; and ask who one is."""

    service = "AccessKeyService"

    def create(
        self, name: str, *, grants: Sequence[str], lifetime_s: int | None = None
    ) -> pb.CreateApiKeyResponse:
        """Make an API key; the answer is the only place where its text is ever shown.

        Args:
            name: Of its holder, a DNS label.
            grants: Roles, `operator` or `viewer@acme`.
            lifetime_s: Seconds until it expires; None: never.
        """
        request = pb.CreateApiKeyRequest(name=name, grants=grants, lifetime_s=lifetime_s)
        return self._call("CreateApiKey", request, pb.CreateApiKeyResponse)

    def list(self, *, name: str = "", everything: bool = False) -> Sequence[pb.ApiKey]:
        """List the keys, oldest first.

        Args:
            name: Only those of this holder.
            everything: Also those that are not good any more.
        """
        request = pb.ListApiKeysRequest(name=name, all=everything)
        return self._call("ListApiKeys", request, pb.ListApiKeysResponse).keys

    def rotate(
        self, key_id: str, *, overlap_s: int = 0, lifetime_s: int | None = None
    ) -> pb.RotateApiKeyResponse:
        """Make a key that takes the place of another one.

        Args:
            key_id: The old one.
            overlap_s: Seconds for which the old one stays good.
            lifetime_s: Of the new one, seconds; None: as long as the old one was to live.
        """
        request = pb.RotateApiKeyRequest(key_id=key_id, overlap_s=overlap_s, lifetime_s=lifetime_s)
        return self._call("RotateApiKey", request, pb.RotateApiKeyResponse)

    def revoke(self, key_id: str) -> pb.ApiKey:
        """Make a key void on every node."""
        request = pb.RevokeApiKeyRequest(key_id=key_id)
        return self._call("RevokeApiKey", request, pb.RevokeApiKeyResponse).key

    def whoami(self) -> pb.WhoAmIResponse:
        """Tell who calls."""
        return self._call("WhoAmI", pb.WhoAmIRequest(), pb.WhoAmIResponse)
