"""Protobuf messages as plain values, as `-o json` prints them; see `client/plain.py`."""

from caxton_node.client.plain import enum_word, plain, text_of

__all__ = ["enum_word", "plain", "text_of"]
