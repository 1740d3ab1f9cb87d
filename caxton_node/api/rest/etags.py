"""Entity tags: a strong one is the hash of the JSON, so equal answers have equal tags on every node."""

from __future__ import annotations

import hashlib
import re

ANY = "*"
PACKED_SUFFIX = "-gzip"
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def etag_of(body: bytes) -> str:
    """Return the tag of a JSON body, without its quotes."""
    return hashlib.sha256(body).hexdigest()[:32]


def quoted(tag: str, *, packed: bool = False) -> str:
    """Return a tag as the header has it; the gzipped form is another representation with a tag of its own."""
    return f'"{tag}{PACKED_SUFFIX if packed else ""}"'


def matches(header: str, tag: str) -> bool:
    """Tell whether `If-None-Match` or `If-Match` has a tag, in either form."""
    if header.strip() == ANY:
        return True
    return any(given.removesuffix(PACKED_SUFFIX) == tag for given in _TAG.findall(header))
