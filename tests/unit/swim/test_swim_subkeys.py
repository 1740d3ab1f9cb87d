"""Derived keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from swim import subkeys as module
from swim.subkeys import SALT_BYTES, Subkeys

pytestmark = pytest.mark.story("018")

KEY, SENDER = bytes(range(32)), b"8 bytes!"


def test_a_subkey_is_what_hkdf_gives() -> None:
    info = b"caxton swim 1\0" + SENDER + (7).to_bytes(4, "big") + b"cluster"
    material = HKDF(SHA256(), 32 + SALT_BYTES, salt=None, info=info).derive(KEY)
    subkey = Subkeys().derive(KEY, b"cluster", SENDER, 7)
    assert subkey.salt == material[32:]
    nonce = subkey.salt + bytes(6)
    assert subkey.cipher.encrypt(nonce, b"x", b"") == module.AESGCM(material[:32]).encrypt(nonce, b"x", b"")


def test_nothing_is_kept_that_was_not_asked_for() -> None:
    subkeys = Subkeys()
    subkeys.derive(KEY, b"cluster", SENDER, 7)
    assert subkeys._known == {}
    subkeys.keep(KEY, b"cluster", SENDER, 7, subkeys.derive(KEY, b"cluster", SENDER, 7))
    assert len(subkeys._known) == 1
    subkeys.forget(KEY)
    assert subkeys._known == {}


def test_group_keys_are_bounded_too() -> None:
    subkeys = Subkeys()
    for number in range(module.GROUP_KEYS_MAX + 10):
        subkeys.derive(bytes([number]) * 32, b"cluster", SENDER, 7)
    assert len(subkeys._expanding) == module.GROUP_KEYS_MAX
