"""Calls about a node's database: check it, back it up."""

from __future__ import annotations

from collections.abc import Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import storage_pb2 as pb

WHOLE_FILE_S = 3_600.0
"""Longest time for what reads the whole database, or writes it anew."""


class Storage(Noun):
    """Check the database of a node, back it up, look at its backups."""

    service = "StorageService"

    def check(self, *, node: str = "") -> pb.CheckStoreResponse:
        """Read the whole database of a node and compare every index with its table.

        Raises:
            StoreBusy: Too many wait for a check or a backup already.
        """
        request = pb.CheckStoreRequest(node=node)
        return self._call("CheckStore", request, pb.CheckStoreResponse, extra_s=WHOLE_FILE_S)

    def create_backup(self, *, node: str = "") -> pb.Backup:
        """Make a backup of a node's database, in that node's data directory.

        Raises:
            StoreBusy: Too many wait for a check or a backup already.
            CorruptStore: The database is damaged.
            StoreFailed: There is no room for it; nothing is left of it.
        """
        request = pb.CreateBackupRequest(node=node)
        return self._call("CreateBackup", request, pb.CreateBackupResponse, extra_s=WHOLE_FILE_S).backup

    def backups(self, *, node: str = "") -> Sequence[pb.Backup]:
        """List the backups that a node has, the oldest first."""
        return self._call("ListBackups", pb.ListBackupsRequest(node=node), pb.ListBackupsResponse).backups

    def verify_backup(self, backup: str, *, node: str = "") -> pb.VerifyBackupResponse:
        """Read a backup of a node from end to end and tell what is wrong with it.

        Raises:
            BackupUnusable: There is no such backup.
            StoreBusy: Too many wait for a check or a backup already.
        """
        request = pb.VerifyBackupRequest(id=backup, node=node)
        return self._call("VerifyBackup", request, pb.VerifyBackupResponse, extra_s=WHOLE_FILE_S)
