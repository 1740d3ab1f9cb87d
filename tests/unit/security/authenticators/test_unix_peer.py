"""Unix peers: the daemon's own user and root may do everything, others what a setting says."""

from __future__ import annotations

import grp
import os
import pwd
import socket

import pytest

from caxton_node.core.errors import InvalidConfig, Unauthorized
from caxton_node.security import LOCAL, Credentials, Kind, UnixPeer
from caxton_node.security.authenticators import unix_peer
from caxton_node.security.authenticators.unix_peer import UnixPeerAuthenticator, parse_peers, peer_of

pytestmark = pytest.mark.story("023")

DAEMON = pwd.getpwnam("daemon")
BIN = pwd.getpwnam("bin")


def peer(uid: int, gid: int) -> Credentials:
    return Credentials(peer=UnixPeer(4711, uid, gid), source="socket")


async def test_the_daemons_own_user_and_root_may_do_everything() -> None:
    judge = UnixPeerAuthenticator(own_uid=1000)
    assert await judge.authenticate(peer(1000, 1000)) == LOCAL
    assert await judge.authenticate(peer(0, 0)) == LOCAL


async def test_another_user_may_not_use_the_socket_unless_a_setting_says_so() -> None:
    judge = UnixPeerAuthenticator(own_uid=1000)
    with pytest.raises(Unauthorized, match="user daemon may not use the socket") as caught:
        await judge.authenticate(peer(DAEMON.pw_uid, DAEMON.pw_gid))
    assert "security.unix_peers" in caught.value.hint
    with pytest.raises(Unauthorized, match="uid-3999999"):
        await judge.authenticate(peer(3_999_999, 3_999_999))


async def test_a_user_or_a_group_is_let_in_with_its_roles() -> None:
    group = grp.getgrgid(BIN.pw_gid).gr_name
    rules = parse_peers(f" user:daemon=developer , group:{group}=operator viewer@acme ")
    judge = UnixPeerAuthenticator(rules, own_uid=1000)
    user = await judge.authenticate(peer(DAEMON.pw_uid, DAEMON.pw_gid))
    assert (user.name, user.roles, user.kind) == ("daemon", "developer", Kind.SOCKET)
    assert (await judge.authenticate(peer(BIN.pw_uid, BIN.pw_gid))).roles == "operator, viewer@acme"


async def test_the_line_of_a_user_counts_more_than_those_of_its_groups() -> None:
    group = grp.getgrgid(DAEMON.pw_gid).gr_name
    judge = UnixPeerAuthenticator(parse_peers(f"user:daemon=viewer,group:{group}=admin"), own_uid=1000)
    assert (await judge.authenticate(peer(DAEMON.pw_uid, DAEMON.pw_gid))).roles == "viewer"


async def test_a_user_called_local_is_not_taken_for_the_nodes_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_peer, "_user_name", lambda _uid: "local")
    judge = UnixPeerAuthenticator(parse_peers("user:local=viewer"), own_uid=1000)
    found = await judge.authenticate(peer(DAEMON.pw_uid, DAEMON.pw_gid))
    assert (found.name, found.roles) == ("user:local", "viewer")


@pytest.mark.parametrize(
    "text",
    ["deploy=viewer", "user:=viewer", "user:x=", "user:x", "uid:5=viewer", "user:x=a=b", "user:x=viewer@"],
)
def test_a_setting_of_another_form_is_refused(text: str) -> None:
    if text.endswith("@"):
        assert parse_peers(text).users  # no tenant is everywhere, as elsewhere
        return
    with pytest.raises(InvalidConfig, match="unix_peers"):
        parse_peers(text)


def test_the_kernel_says_who_has_opened_a_socket() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_of(ours) == UnixPeer(os.getpid(), os.getuid(), os.getgid())
