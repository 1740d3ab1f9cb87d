"""The examples for containers: their orchestrators take them, and what they say of a node is true."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema_rs
import pytest
import yaml

from caxton_node.cli.main import caxton
from caxton_node.cli.node import program
from caxton_node.config import load
from caxton_node.config.schema import Config
from caxton_node.observability import Board
from caxton_node.observability.exporters.prometheus import PrometheusExporter
from caxton_node.operations import Health

pytestmark = pytest.mark.story("017")

ROOT = Path(__file__).parents[3]
DEPLOY, SCHEMAS = ROOT / "docs" / "deploy", Path(__file__).parent / "schemas"
KUBERNETES = json.loads((SCHEMAS / "kubernetes-1.34.json").read_text())
MANIFESTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
ENTER = (DEPLOY / "enter.sh").read_text()
(STATEFUL_SET,) = (one for one in MANIFESTS if one["kind"] == "StatefulSet")
(NODE,) = STATEFUL_SET["spec"]["template"]["spec"]["containers"]
PROBES = ["startupProbe", "livenessProbe", "readinessProbe"]


def complaints(manifest: dict[str, Any]) -> list[str]:
    """Return what Kubernetes would say against a manifest."""
    schema = {"$ref": f"#/$defs/{KUBERNETES['kinds'][manifest['kind']]}", "$defs": KUBERNETES["$defs"]}
    validator = jsonschema_rs.Draft7Validator(schema)
    return [f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(manifest)]


def environments() -> Iterator[dict[str, str]]:
    """Yield what each kind of container is told by its environment."""
    yield {pair["name"]: str(pair.get("value", "")) for pair in NODE["env"]}
    for service in COMPOSE["services"].values():
        yield {name: str(value) for name, value in service["environment"].items()}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_takes_every_manifest(manifest):
    assert complaints(manifest) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("livenesProbe", {}), ("livenessProbe", {"httpGet": {"path": "/health"}}), ("ports", "9090")],
)
def test_the_schema_would_find_a_slip(key, value):
    broken = json.loads(json.dumps(STATEFUL_SET))
    broken["spec"]["template"]["spec"]["containers"][0][key] = value
    assert complaints(broken)


def test_compose_takes_its_file():
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert [str(error) for error in validator.iter_errors(COMPOSE)] == []
    COMPOSE["services"]["n1"]["healtcheck"] = {}
    assert list(validator.iter_errors(COMPOSE))
    del COMPOSE["services"]["n1"]["healtcheck"]


@pytest.mark.parametrize("environ", list(environments()), ids=lambda environ: environ["HOST"])
def test_a_node_understands_its_environment(environ):
    named = {name: value for name, value in environ.items() if name.startswith("CAXTON_")}
    assert load(environ=named).mesh.advertise
    told = {name for name in environ if not name.startswith("CAXTON_")}
    assert told == set(re.findall(r"^#   ([A-Z_]+)  ", ENTER, re.MULTILINE))


def test_ports_are_those_that_a_node_listens_on():
    config = Config()
    ports = {port["name"]: port["containerPort"] for port in NODE["ports"]}
    assert ports == {
        "grpc": config.grpc.port,
        "rest": config.rest.port,
        "probes": config.metrics.port,
        "mesh-udp": config.mesh.port,
        "mesh-tcp": config.mesh.port,
    }
    exposed = re.findall(r"^EXPOSE (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert {int(word.partition("/")[0]) for word in exposed[0].split()} == set(ports.values())
    for service in (one for one in MANIFESTS if one["kind"] == "Service"):
        assert {port["port"] for port in service["spec"]["ports"]} <= set(ports.values())


@pytest.mark.parametrize("name", PROBES)
def test_probes_ask_what_a_node_answers(name):
    get = NODE[name]["httpGet"]
    assert get["path"] in PrometheusExporter(Board(), Health().page).paths
    assert get["path"] == ("/ready" if name == "readinessProbe" else "/health")
    assert get["port"] == "probes"


def test_the_time_to_stop_is_that_of_the_systemd_unit():
    unit = (ROOT / "systemd" / "caxton-node.service").read_text()
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert STATEFUL_SET["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == int(stop_s)
    assert {service["stop_grace_period"] for service in COMPOSE["services"].values()} == {f"{stop_s}s"}


def test_the_commands_of_the_containers_exist():
    health = COMPOSE["services"]["n1"]["healthcheck"]["test"]
    assert health[:2] == ["CMD", "caxton"]
    assert _parses(caxton, health[2:])
    commands = re.findall(r"^\s*(?:exec )?caxton-node (.*)$", ENTER, re.MULTILINE)
    assert len(commands) == 3
    assert all(_parses(program, shlex.split(command)) for command in commands)
    subprocess.run(["sh", "-n", str(DEPLOY / "enter.sh")], check=True)


def _parses(group: click.Command, words: list[str]) -> bool:
    """Tell whether click takes these words, without doing what they say."""
    assert isinstance(group, click.Group)
    context = click.Context(group, info_name="x")
    command = group.get_command(context, words[0])
    if isinstance(command, click.Group):
        return _parses(command, words[1:])
    assert command is not None
    command.make_context("x", list(words[1:]), resilient_parsing=True)
    return True
