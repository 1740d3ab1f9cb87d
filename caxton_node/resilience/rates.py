"""The classes of calls that have limits of their own."""

from enum import StrEnum


class Rate(StrEnum):
    """What an operation counts as."""

    READ = "read"
    WRITE = "write"
    DEPLOY = "deploy"
    SEND = "send"
    WATCH = "watch"
