# ruff: noqa: INP001 - a program beside its sources, no package
"""Build the example agents byte for byte the same everywhere, and check that they are what their source says.

    python sdk/rust/build.py FILE.rs -o FILE.wasm       build an agent of your own
    python sdk/rust/build.py            check manifest.json; rebuild where the compiler is there
    python sdk/rust/build.py --write    build and write examples/*.wasm and manifest.json
    python sdk/rust/build.py --test     run the unit tests of the SDK and the examples natively

The compiler is Debian's rustc 1.63 with libstd-rust-dev-wasm32, whose standard library is MVP WebAssembly. It
is called directly: cargo adds metadata of its own to crates, and need not be installed for this.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE / "examples"
MANIFEST = EXAMPLES / "manifest.json"
SDK = HERE / "caxton-agent"
RUSTC = "/usr/bin/rustc"
RELEASE = "rustc 1.63.0"
TARGET = "wasm32-unknown-unknown"
AGENTS = ("buyer", "contractor", "greeter", "shouter")

_COMMON = ["--edition", "2021", "--target", TARGET, "-Copt-level=s", "-Cpanic=abort", "-Ccodegen-units=1"]
_SDK_FLAGS = [*_COMMON, "--crate-name", "caxton_agent", "--crate-type", "rlib", "--cfg", 'feature="heap"']
# Without link-time optimisation: it saves 8% of the size and takes four times as long, at each check.
_AGENT_FLAGS = [
    *_COMMON, "--crate-type", "cdylib", "-Cstrip=symbols",
    "-Clink-arg=-zstack-size=65536", "-Clink-arg=--initial-memory=131072",
]  # fmt: skip


def build(out: Path) -> dict[str, bytes]:
    """Build all agents into a directory and return their modules by name."""
    sdk = build_sdk(out)
    for name in AGENTS:
        build_agent(Path(f"examples/{name}/src/lib.rs"), out / f"{name}.wasm", sdk)
    return {name: (out / f"{name}.wasm").read_bytes() for name in AGENTS}


def build_sdk(out: Path) -> Path:
    """Build the SDK into a directory and return the library."""
    library = out / "libcaxton_agent.rlib"
    _rustc([*_SDK_FLAGS, "caxton-agent/src/lib.rs", "-o", str(library)])
    return library


def build_agent(source: Path, target: Path, sdk: Path) -> None:
    """Build one agent; `source` is relative to this directory or absolute."""
    name = target.stem.replace("-", "_")
    linked = ["--extern", f"caxton_agent={sdk}"]
    _rustc([*_AGENT_FLAGS, "--crate-name", name, str(source), *linked, "-o", str(target)])


def build_own(source: Path, target: Path) -> int:
    """Build an agent that is not one of the examples; return the exit code."""
    if not find_compiler():
        sys.stderr.write(
            f"{RELEASE} with its library for {TARGET} is not here.\n"
            "On Debian 12: apt-get install rustc libstd-rust-dev-wasm32 lld\n"
        )
        return 1
    with tempfile.TemporaryDirectory() as directory:
        try:
            build_agent(source.resolve(), target.resolve(), build_sdk(Path(directory)))
        except subprocess.CalledProcessError as err:
            return err.returncode  # rustc has said what is wrong
    sys.stderr.write(f"{target} is ready: caxton agent deploy {target}\n")
    return 0


def make_manifest(modules: dict[str, bytes]) -> dict[str, Any]:
    """Return what ties modules to their source and compiler."""
    return {
        "rustc": RELEASE,
        "target": TARGET,
        "flags": {"sdk": _SDK_FLAGS, "agent": _AGENT_FLAGS},
        "agents": {
            name: {"source_sha256": source_digest(name), "wasm_sha256": _sha256(data), "bytes": len(data)}
            for name, data in sorted(modules.items())
        },
    }


def source_digest(name: str) -> str:
    """Digest an agent's source and the SDK's, file names included."""
    files = [*sorted((SDK / "src").rglob("*.rs")), *sorted((EXAMPLES / name / "src").rglob("*.rs"))]
    digest = hashlib.sha256()
    for path in files:
        data = path.read_bytes()
        digest.update(f"{path.relative_to(HERE).as_posix()} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def read_modules() -> dict[str, bytes]:
    """Return the committed modules."""
    return {name: (EXAMPLES / f"{name}.wasm").read_bytes() for name in AGENTS}


def find_compiler() -> str | None:
    """Return the version of the compiler if it is the one of the manifest and has the target's library."""
    if not Path(RUSTC).exists():
        return None
    version = subprocess.run([RUSTC, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    library = subprocess.run(
        [RUSTC, "--target", TARGET, "--print", "target-libdir"], capture_output=True, text=True, check=False
    ).stdout.strip()
    has_library = bool(library) and any(Path(library).glob("libstd-*.rlib"))
    return version if version.startswith(RELEASE) and has_library else None


def run_tests() -> int:
    """Compile and run the native unit tests of the SDK."""
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "tests"
        _rustc(["--edition", "2021", "--test", "-Dwarnings", "caxton-agent/src/lib.rs", "-o", str(program)])
        return subprocess.run([program, "--quiet"], check=False).returncode


def check() -> list[str]:
    """Return what is wrong with the committed modules; nothing when all is well."""
    manifest = json.loads(MANIFEST.read_text())
    modules = read_modules()
    faults = []
    if make_manifest(modules) != manifest:
        faults.append("examples/manifest.json does not fit the sources and modules: run build.py --write")
    if find_compiler():
        with tempfile.TemporaryDirectory() as directory:
            built = build(Path(directory))
        faults += [
            f"{name}.wasm is not what its source gives" for name in AGENTS if built[name] != modules[name]
        ]
    return faults


def _rustc(arguments: Iterable[str]) -> None:
    # Paths in panic messages are relative to the SDK; those of the temporary directory do not get in.
    subprocess.run([RUSTC, *arguments, f"--remap-path-prefix={HERE}=."], cwd=HERE, check=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", nargs="?", type=Path, metavar="FILE.rs", help="an agent of your own")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.wasm", help="where to put it")
    parser.add_argument("--write", action="store_true", help="build and write the modules and the manifest")
    parser.add_argument("--test", action="store_true", help="run the native unit tests of the SDK")
    options = parser.parse_args()
    if options.source:
        return build_own(options.source, options.output or options.source.with_suffix(".wasm"))
    if options.test:
        return run_tests()
    if options.write:
        with tempfile.TemporaryDirectory() as directory:
            modules = build(Path(directory))
        for name, data in modules.items():
            (EXAMPLES / f"{name}.wasm").write_bytes(data)
        MANIFEST.write_text(json.dumps(make_manifest(modules), indent=2) + "\n")
    faults = check()
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
