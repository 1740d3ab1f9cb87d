"""Loading: precedence, typed values, and an error for every way of getting it wrong."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from caxton_node.config import Config, load
from caxton_node.config.setting import MIB
from caxton_node.core.errors import InvalidConfig

EMPTY = {"HOME": "/home/user"}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def refused(tmp_path: Path, text: str) -> InvalidConfig:
    with pytest.raises(InvalidConfig) as caught:
        load(path=written(tmp_path, text), environ=EMPTY)
    return caught.value


def test_nothing_set_gives_the_defaults_of_the_names_page() -> None:
    config = load(environ=EMPTY)
    assert (config.mesh.port, config.grpc.port, config.metrics.port) == (7946, 50051, 9090)
    assert (config.grpc.host, config.metrics.host) == ("127.0.0.1", "127.0.0.1")
    assert config.agents.memory_bytes == 10 * MIB
    assert config.agents.fuel_per_message == 10_000_000
    assert config.agents.wall_time_s == 5
    assert config.messaging.mailbox_depth == 10_000
    assert config.sources == {}


def test_the_later_source_wins(tmp_path: Path) -> None:
    path = written(tmp_path, "mesh:\n  port: 1000\n  host: 127.0.0.1\nlog:\n  level: error\n")
    environ = EMPTY | {"CAXTON_MESH__PORT": "2000", "CAXTON_LOG_LEVEL": "debug"}
    config = load(path=path, environ=environ, overrides=["mesh.port=3000"])
    assert (config.mesh.port, config.mesh.host, config.log.level) == (3000, "127.0.0.1", "debug")
    assert config.sources["mesh.port"] == "--set"
    assert config.sources["mesh.host"] == f"{path}:3"
    assert config.sources["log.level"] == "CAXTON_LOG_LEVEL"


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "mesh: {advertise: alpha}")
    assert load(environ=EMPTY | {"CAXTON_CONFIG_PATH": str(path)}).mesh.advertise == "alpha"


def test_durations_and_sizes_are_written_as_people_write_them(tmp_path: Path) -> None:
    config = load(
        path=written(tmp_path, "agents: {memory_bytes: 32MiB, wall_time_s: 500ms, drain_s: 2m}"),
        environ=EMPTY,
    )
    assert config.agents.memory_bytes == 32 * MIB
    assert config.agents.wall_time_s == 0.5
    assert config.agents.drain_s == 120


def test_variables_in_the_file_are_filled_in(tmp_path: Path) -> None:
    path = written(tmp_path, '{mesh: {advertise: "${HOST:-alpha}"}, grpc: {host: "${NAME}-$${x}"}}')
    config = load(path=path, environ=EMPTY | {"NAME": "demo"})
    assert (config.mesh.advertise, config.grpc.host) == ("alpha", "demo-${x}")


def test_a_text_that_looks_like_a_number_stays_a_text(tmp_path: Path) -> None:
    assert load(path=written(tmp_path, "mesh: {advertise: 007}"), environ=EMPTY).mesh.advertise == "007"


def test_an_empty_file_and_empty_keys_set_nothing(tmp_path: Path) -> None:
    assert load(path=written(tmp_path, ""), environ=EMPTY).sources == {}
    assert load(path=written(tmp_path, "mesh:\nlog:\n  level:\n"), environ=EMPTY).sources == {}


def test_a_plain_users_data_lies_in_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert load(environ=EMPTY).data.dir == Path("/home/user/.local/share/caxton")
    assert load(environ=EMPTY | {"CAXTON_DATA_DIR": "/srv/caxton"}).data.dir == Path("/srv/caxton")


def test_names_that_orchestrators_invent_are_left_alone() -> None:
    assert (
        load(environ=EMPTY | {"CAXTON_PORT": "tcp://10.0.0.1:80", "CAXTON_SERVICE_HOST": "x"}).sources == {}
    )


def test_the_result_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().mesh.port = 1  # type: ignore[misc]  # the point of the test


def test_a_typo_gets_file_line_and_suggestion(tmp_path: Path) -> None:
    error = refused(tmp_path, "mesh:\n  host: 127.0.0.1\n  prot: 7946\n")
    assert error.what == f"{tmp_path}/config.yaml:3: mesh.prot is not a setting"
    assert "mesh has host, port," in error.why
    assert error.hint == "did you mean mesh.port?"


def test_an_unknown_section_gets_a_suggestion(tmp_path: Path) -> None:
    error = refused(tmp_path, "mesch: {port: 1}")
    assert error.why == "there is no section 'mesch'"
    assert error.hint == "did you mean mesh.port?"


def test_a_misspelt_variable_is_named() -> None:
    with pytest.raises(InvalidConfig, match=r"CAXTON_MESH__PROT: mesh.prot is not a setting.*mesh\.port"):
        load(environ=EMPTY | {"CAXTON_MESH__PROT": "1"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mesh: {port: 7946x}", "expected a whole number"),
        ("mesh: {port: 70000}", "expected a port from 0 to 65535"),
        ("mesh: {transport: udp}", "expected one of auto, quic, tcp"),
        ("grpc: {enabled: 1}", "expected true or false"),
        ("agents: {wall_time_s: 5 parsecs}", "expected a duration like 500ms"),
        ("agents: {wall_time_s: 0}", "expected at least 0.01 s"),
        ("agents: {memory_bytes: lots}", "expected a size like 512KiB"),
        ("agents: {memory_bytes: 64.5}", "expected a whole number of bytes"),
        ("agents: {message_bytes_max: 11MiB}", "expected at most 10485760 bytes"),
        ("swim: {suspicion_multiplier: nan}", "expected a finite number"),
        ("data: {dir: ''}", "expected a path"),
    ],
)
def test_a_value_that_does_not_fit_says_what_would(tmp_path: Path, text: str, expected: str) -> None:
    error = refused(tmp_path, text)
    assert f"{tmp_path}/config.yaml:1: " in error.what
    assert error.why.startswith(expected)


def test_a_nearly_right_word_or_unit_is_suggested(tmp_path: Path) -> None:
    assert "did you mean quic?" in refused(tmp_path, "mesh: {transport: Quick}").hint
    assert "did you mean 10MiB?" in refused(tmp_path, "agents: {memory_bytes: 10mib}").hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mesh:\n  port: 1\n  port: 2\n", "config.yaml:3: port is there twice: first at"),
        ("mesh:\n  port: [1, 2]\n", "config.yaml:2: port is a list: expected a plain value"),
        ("mesh:\n  port: {a: 1}\n", "config.yaml:2: port is a mapping"),
        ("just words", "config.yaml:1: expected sections"),
        ("mesh: 7946", "config.yaml:1: expected settings of mesh"),
        ("mesh:\n\t- x: [", "config.yaml:2: this is not YAML"),
        ("mesh: {advertise: '${NODE}'}", "the variable NODE is not set"),
        ("mesh: {advertise: '${NODE'}", "has an unfinished variable"),
    ],
)
def test_a_file_of_the_wrong_shape_is_named_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in str(refused(tmp_path, text))


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="cannot be read"):
        load(path=tmp_path / "none.yaml", environ=EMPTY)


def test_set_without_an_equals_sign_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="expected key=value"):
        load(environ=EMPTY, overrides=["mesh.port"])


def test_values_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "swim: {probe_interval_s: 1s, probe_timeout_s: 2s}")
    assert "not shorter than" in error.what


def test_a_kind_of_installation_sets_what_nothing_else_does(tmp_path: Path) -> None:
    path = written(tmp_path, "log: {level: warning}")
    assert load(environ=EMPTY).log.level == "info"
    assert load(environ=EMPTY | {"CAXTON_ENV": "dev"}).log.level == "debug"
    both = load(path=path, environ=EMPTY | {"CAXTON_ENV": "dev"})
    assert (both.log.level, both.log.format) == ("warning", "pretty")
