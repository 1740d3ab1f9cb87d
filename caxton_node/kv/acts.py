"""What an agent may ask of `kv`.

    {"action": "get", "key": "k"}                               INFORM {"key", "value", "version"}
    {"action": "put", "key": "k", "value": ..., "if_version"?}  INFORM {"key", "version"}
    {"action": "delete", "key": "k", "if_version"?}             INFORM {"key", "version"}
    {"action": "list", "prefix"?, "after"?, "limit"?, "values"?}
                                  INFORM {"keys": [{"key", "version", "bytes", "value"?}], "next"?}
    SUBSCRIBE {"action": "watch", "prefix"?}                    AGREE, then INFORM {"key", "value", "version"}
    CANCEL in its conversation                                  INFORM {"cancelled": 1}

Version 0 means that a key is not there: `get` answers so, and `"if_version": 0` writes a key only if it is
new. Any request takes `"shared": true`, which is about the keys that all nodes see (`shared.py`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from caxton_node.core.bounds import nests_deeper

VALUE_BYTES_MAX = 64 * 1024
VALUE_DEPTH_MAX = 64
LIST_MAX = 1_000
LIST_BYTES_MAX = 512 * 1024
"""Bytes of values in one page of a list, which begins a new one beyond that."""

Key = Annotated[str, Meta(pattern=r"^[!-~]{1,255}$", description="1 to 255 visible ASCII characters")]
Prefix = Annotated[str, Meta(pattern=r"^[!-~]{0,255}$")]
Version = Annotated[int, Meta(ge=0, le=2**53)]


class _Request(Struct, frozen=True, tag_field="action", kw_only=True, forbid_unknown_fields=True):
    """Any request.

    Attributes:
        shared: Whether it is about keys that all nodes see.
    """

    shared: bool = False


class Get(_Request, frozen=True, tag="get"):
    """Read a key."""

    key: Key


class Put(_Request, frozen=True, tag="put"):
    """Write a key; with `if_version` only if that is its version now."""

    key: Key
    value: msgspec.Raw
    if_version: Version | None = None


class Delete(_Request, frozen=True, tag="delete"):
    """Remove a key; with `if_version` only if that is its version now."""

    key: Key
    if_version: Version | None = None


class List(_Request, frozen=True, tag="list"):
    """Read the names of keys in their order, with their values if wanted."""

    prefix: Prefix = ""
    after: Prefix = ""
    limit: Annotated[int, Meta(ge=1, le=LIST_MAX)] = 100
    values: bool = False


class Watch(_Request, frozen=True, tag="watch"):
    """Ask to be told of every change of a key, from now on."""

    prefix: Prefix = ""


class Cancel(Struct, frozen=True):
    """Be told no more in this conversation."""


Read = Get | List
Write = Put | Delete
Request = Get | Put | Delete | List

_read = msgspec.json.Decoder(Request).decode
_read_watch = msgspec.json.Decoder(Watch).decode


def read_request(content: bytes) -> Request:
    """Read the content of a REQUEST or QUERY-REF.

    Raises:
        msgspec.DecodeError: It is none; says what it should be.
    """
    request: Request = _read(content)
    if isinstance(request, Put):
        _check_value(bytes(request.value))
    return request


def read_watch(content: bytes) -> Watch:
    """Read the content of a SUBSCRIBE; raises as `read_request`."""
    return _read_watch(content)


def read_cancel(_content: bytes) -> Cancel:
    """Read a CANCEL, whose content says nothing that its conversation does not."""
    return Cancel()


def _check_value(value: bytes) -> None:
    """Look into a value: what is kept is read again in other places."""
    if nests_deeper(msgspec.json.decode(value), VALUE_DEPTH_MAX):
        raise msgspec.ValidationError(f"the value nests deeper than {VALUE_DEPTH_MAX} - at `$.value`")
