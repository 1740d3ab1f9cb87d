"""Handlers about a node's database and its backups."""

from __future__ import annotations

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.pb import storage_pb2 as pb
from caxton_node.storage.manifest import Manifest


async def check_store(
    services: Services, _request: pb.CheckStoreRequest, _call: Call
) -> pb.CheckStoreResponse:
    """Read the whole database of this node and compare every index with its table."""
    done = await services.storage.check()
    return pb.CheckStoreResponse(
        node=services.node_id, findings=done.findings, size_bytes=done.size_bytes, took_s=done.took_s
    )


async def create_backup(
    services: Services, _request: pb.CreateBackupRequest, _call: Call
) -> pb.CreateBackupResponse:
    """Make a backup of this node's database, while it is used."""
    return pb.CreateBackupResponse(backup=_backup_of(await services.storage.create_backup()))


async def list_backups(
    services: Services, _request: pb.ListBackupsRequest, _call: Call
) -> pb.ListBackupsResponse:
    """List the backups that this node has, the oldest first."""
    return pb.ListBackupsResponse(backups=map(_backup_of, await services.storage.list_backups()))


async def verify_backup(
    services: Services, request: pb.VerifyBackupRequest, _call: Call
) -> pb.VerifyBackupResponse:
    """Read a backup of this node from end to end and tell whether it is whole."""
    manifest, findings = await services.storage.verify_backup(request.id)
    return pb.VerifyBackupResponse(backup=_backup_of(manifest), findings=findings)


def _backup_of(manifest: Manifest) -> pb.Backup:
    return pb.Backup(
        id=manifest.id,
        node=manifest.node,
        cluster=manifest.cluster,
        caxton=manifest.caxton,
        schema=manifest.schema,
        created_unix_us=manifest.created_unix_us,
        stamp=manifest.stamp,
        sequence=manifest.sequence,
        files=[
            pb.BackupFile(name=file.name, size_bytes=file.size_bytes, sha256=file.sha256)
            for file in manifest.files
        ],
    )
