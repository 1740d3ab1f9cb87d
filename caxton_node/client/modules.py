"""Calls about modules by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.client.uploads import Progress, upload
from caxton_node.pb import uploads_pb2 as pb


class Modules(Noun):
    """Send modules up, list them, and read them."""

    service = "ModuleService"

    def upload(self, module: bytes, *, progress: Progress | None = None) -> pb.UploadModuleResponse:
        """Send a module up in pieces, on from where an earlier attempt has come; it is kept for an hour.

        Args:
            module: WebAssembly in its binary form.
            progress: Told how many bytes of how many have gone out.

        Raises:
            InvalidModule: It is not WebAssembly.
            ResourceLimit: The node takes none so large, or not so many.
        """
        return upload(self._channel, module, timeout_s=self._timeout_s, progress=progress)

    def uploaded(self, sha256: str) -> pb.GetUploadResponse:
        """Return how far an upload has come."""
        return self._call("GetUpload", pb.GetUploadRequest(sha256=sha256), pb.GetUploadResponse)

    def list(self, *, node: str = "") -> Sequence[pb.Module]:
        """Return the modules of a node, by digest."""
        return self._call("ListModules", pb.ListModulesRequest(node=node), pb.ListModulesResponse).modules

    def get(self, sha256: str, *, node: str = "") -> pb.Module:
        """Return what a node knows of a module.

        Raises:
            NotFound: It does not have it.
        """
        request = pb.GetModuleRequest(sha256=sha256, node=node)
        return self._call("GetModule", request, pb.GetModuleResponse).module

    def download(self, sha256: str, *, offset: int = 0) -> Iterator[pb.ModulePiece]:
        """Read a module in pieces, from another node if the one that is asked does not have it.

        Raises:
            NotFound: No node has it.
        """
        request = pb.DownloadModuleRequest(sha256=sha256, offset=offset)
        return self._stream("DownloadModule", request, pb.ModulePiece)
