"""The process at the other end of a Unix socket, as the kernel knows it.

The daemon's own user and root may do everything: they could read its files anyway. Others are let in by the
setting `security.unix_peers`, by user or by group, each with its roles:

    user:deploy=developer, group:caxton=operator viewer@acme

A user that is named is judged by its own line alone; else the lines of all its groups count.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from caxton_node.core.errors import InvalidConfig
from caxton_node.security.credentials import Credentials, UnixPeer
from caxton_node.security.principal import LOCAL, Grant, Kind, Principal
from caxton_node.security.refusal import Reason, refusal

ROOT = 0
_LINE = re.compile(r"(user|group):([^\s=,:]+)=([^=,:]+)\Z")
_UCRED = struct.Struct("3i")  # pid, uid, gid of <sys/socket.h>


@dataclass(frozen=True, slots=True)
class PeerRules:
    """Who may use the socket besides the daemon's own user.

    Attributes:
        users: Grants by user name.
        groups: Grants by group name.
    """

    users: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)


class UnixPeerAuthenticator:
    """Recognises callers on the Unix socket by their user.

    Args:
        rules: Who may use it besides the daemon's own user.
        own_uid: The daemon's own user.
    """

    def __init__(self, rules: PeerRules | None = None, own_uid: int | None = None) -> None:
        self._rules = rules or PeerRules()
        self._own_uid = os.geteuid() if own_uid is None else own_uid

    def knows(self, credentials: Credentials) -> bool:
        """Tell whether the call came over the socket, and nothing else was shown that could be wrong."""
        shown = credentials.bearer or credentials.api_key or credentials.certificate_der
        return credentials.peer is not None and not shown

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who opened the socket.

        Raises:
            Unauthorized: Its user may not use it.
        """
        peer = credentials.peer
        if peer is None:
            raise refusal(Reason.MISSING, "the call did not come over the Unix socket")
        if peer.uid in {self._own_uid, ROOT}:
            return LOCAL
        name = _user_name(peer.uid)
        grants = self._grants_of(name, peer.gid)
        if not grants:
            raise refusal(
                Reason.UNKNOWN,
                f"user {name} may not use the socket of this node",
                why="it belongs to the daemon's own user, and security.unix_peers lets in nobody like this",
                hint=f"set security.unix_peers to user:{name}=viewer, or show an API key",
            )
        return Principal(_apart(name), grants, Kind.SOCKET)

    def _grants_of(self, name: str, gid: int) -> tuple[Grant, ...]:
        if name in self._rules.users:
            return self._rules.users[name]
        found = [self._rules.groups.get(group, ()) for group in _groups_of(name, gid)]
        return tuple(dict.fromkeys(grant for grants in found for grant in grants))


def parse_peers(text: str) -> PeerRules:
    """Read the setting `security.unix_peers`.

    Raises:
        InvalidConfig: It is not of the form `user:NAME=ROLE, group:NAME=ROLE ROLE@TENANT`.
    """
    rules: dict[str, dict[str, tuple[Grant, ...]]] = {"user": {}, "group": {}}
    for line in filter(None, (part.strip() for part in text.split(","))):
        found = _LINE.match(line)
        grants = tuple(map(Grant.parse, found[3].split())) if found else ()
        if found is None or not grants or not all(grant.is_sound for grant in grants):
            raise InvalidConfig(
                f"security.unix_peers cannot be {text!r}",
                why=f"{line!r} is not of the form user:NAME=ROLE or group:NAME=ROLE",
                hint="for example user:deploy=developer, group:caxton=operator",
            )
        rules[found[1]][found[2]] = grants
    return PeerRules(rules["user"], rules["group"])


def peer_of(connection: socket.socket) -> UnixPeer:
    """Return who opened a Unix socket, for the surface that has accepted it.

    Raises:
        OSError: It is not a connected Unix socket.
    """
    return UnixPeer(*_UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def _apart(name: str) -> str:
    """Return the name of a caller, which is never that of the node's own user: streams are kept by it.

    No user's name has a colon.
    """
    return f"user:{name}" if name == LOCAL.name else name


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def _groups_of(name: str, gid: int) -> list[str]:
    try:
        gids = os.getgrouplist(name, gid)
    except OSError:
        gids = [gid]
    return [found for each in gids if (found := _group_name(each))]


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""
