"""Log lines: shape, level, libraries, secrets."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from caxton_node.observability import configure_logs, get_logger

pytestmark = pytest.mark.story("009")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    configure_logs(level="warning", format="json")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_json_line_has_event_package_level_time_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    log = get_logger("cluster")
    configure_logs(level="info", format="json")
    log.info("member joined", member="beta", address=("127.0.0.1", 7946))
    (line,) = lines(capsys)
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "member joined", "package": "cluster", "level": "info",
        "member": "beta", "address": ["127.0.0.1", 7946],
    }  # fmt: skip


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log = get_logger("cluster")
    configure_logs(level="warning", format="json")
    log.info("quiet")
    log.warning("loud")
    configure_logs(level="debug", format="json")
    log.debug("now heard")
    assert [line["event"] for line in lines(capsys)] == ["loud", "now heard"]


@pytest.mark.parametrize("form", ["json", "pretty"])
@pytest.mark.parametrize("library", [False, True])
def test_tracebacks_show_neither_tokens_nor_local_variables(
    form: str, library: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        key_pem = "very private"
        raise ValueError(f"cannot read cax_prod_{'0f' * 20}_ci after {len(key_pem)}")

    configure_logs(level="info", format=form)
    try:
        fail()
    except ValueError:
        log = logging.getLogger("elsewhere") if library else get_logger("security")
        log.exception("it failed")
    said = capsys.readouterr().err
    assert "ValueError: cannot read *** after 12" in said
    assert "very private" not in said
    assert "0f0f" not in said


def test_secrets_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", format="json")
    get_logger("security").info("joining with cxj1.AbC-_9 now", token="x", api_token="y", tokens=3)
    get_logger("security").info("sent", header=f"Bearer cax_prod_{'0f' * 20}_ci!")
    first, second = lines(capsys)
    assert first["event"] == "joining with *** now"
    assert (first["token"], first["api_token"], first["tokens"]) == ("***", "***", 3)
    assert second["header"] == "Bearer ***!"


def test_an_exception_is_one_field_and_odd_values_do_not_break_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(level="info", format="json")
    try:
        int("boom")
    except ValueError:
        get_logger("daemon").exception("task ended", thing=object(), data=b"\xff", path={1: 2})
    (line,) = lines(capsys)
    assert "ValueError" in str(line["exception"])
    assert "object object" in str(line["thing"])


def test_bound_context_such_as_a_trace_id_is_on_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", format="json")
    with structlog.contextvars.bound_contextvars(trace_id="abc"):
        get_logger("api").info("call")
    get_logger("api").info("next")
    first, second = lines(capsys)
    assert first["trace_id"] == "abc"
    assert "trace_id" not in second


def test_libraries_are_heard_from_warning_in_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", format="json")
    configure_logs(level="info", format="json")
    logging.getLogger("somelib").info("chatter")
    logging.getLogger("somelib").warning("careful: %s", "ice")
    (line,) = lines(capsys)
    assert (line["event"], line["package"], line["level"]) == ("careful: ice", "somelib", "warning")


def test_pretty_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(level="info", format="pretty")
    get_logger("cluster").info("member joined", member="beta")
    text = capsys.readouterr().err
    assert "member joined" in text
    assert not text.startswith("{")


def test_a_closed_stderr_loses_the_line_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logs(level="info", format="json")

    class Broken:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stderr", Broken())
    get_logger("cluster").info("nobody hears this")
