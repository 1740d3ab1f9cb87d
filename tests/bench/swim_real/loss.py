"""Loses a share of what a socket receives, in the kernel and before anybody sees it, as a bad wire would.

A classic socket filter draws a random number for each packet. Unlike netem it needs no kernel module and no
privilege, and unlike a wrapper that throws datagrams away it works on TCP segments too.
"""

from __future__ import annotations

import ctypes
import socket
import struct

SO_ATTACH_FILTER = 26
SO_DETACH_FILTER = 27
RANDOM_WORD = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM
KEEP_ALL = 0xFFFFFFFF
_LOAD, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x35, 0x06
_INSTRUCTION = struct.Struct("=HBBI")


def lose(sock: socket.socket, share: float) -> None:
    """Drop this share, 0 to below 1, of what the socket receives from now on."""
    if share == 0:
        # Refused where nothing is attached, which is what was wanted.
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        except FileNotFoundError:
            return
    else:
        program = _program(share)
        buffer = ctypes.create_string_buffer(program)
        pointer = struct.pack("@HP", len(program) // _INSTRUCTION.size, ctypes.addressof(buffer))
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)


def _program(share: float) -> bytes:
    return b"".join(
        _INSTRUCTION.pack(*instruction)
        for instruction in (
            (_LOAD, 0, 0, RANDOM_WORD),
            (_JUMP_IF_AT_LEAST, 1, 0, int(share * 2**32)),
            (_RETURN, 0, 0, 0),
            (_RETURN, 0, 0, KEEP_ALL),
        )
    )
