"""The handler that tries modules, and its report as messages of the schema."""

from __future__ import annotations

from caxton_node.agents.findings import MessageFacts, ModuleFacts, Report, Stage, StartFacts
from caxton_node.agents.manifest import Manifest
from caxton_node.api.agent_answers import cpu_of, limits_of
from caxton_node.api.agent_requests import read_config, read_cpu, read_limits
from caxton_node.api.agents import note_features
from caxton_node.api.call import Call
from caxton_node.api.module_passing import module_of
from caxton_node.api.services import Services
from caxton_node.pb import agents_pb2 as pb
from caxton_node.runtime import Cpu

NAME = "trial"


async def validate_agent(
    services: Services, request: pb.ValidateAgentRequest, call: Call
) -> pb.ValidateAgentResponse:
    """Try a module in a sandbox of its own and report on it; nothing is deployed."""
    manifest = Manifest(
        name=NAME,
        limits=read_limits(request.limits, services.config),
        config=read_config(request.config),
        cpu=read_cpu(request.cpu) or Cpu.BOTH,
        wasm_features=tuple(request.wasm_features),
    )
    note_features(services, call, NAME, manifest.wasm_features)
    async with module_of(services.agents.modules, request, call) as module:
        return report_of(await services.validator.validate(manifest, module))


def report_of(report: Report) -> pb.ValidateAgentResponse:
    """Write a report as the message of the schema."""
    return pb.ValidateAgentResponse(
        passed=report.passed,
        stages=map(_stage, report.stages),
        module=_module(report.module),
        start=_start(report.start) if report.start else None,
        messages=map(_message, report.messages),
        limits=limits_of(report.manifest.limits),
        cpu=cpu_of(report.manifest.cpu),
        log=report.log,
        elapsed_us=_us(report.elapsed_s),
    )


def _stage(stage: Stage) -> pb.ValidationStage:
    return pb.ValidationStage(
        name=stage.name,
        outcome=f"STAGE_OUTCOME_{stage.outcome.upper()}",
        reason=stage.reason,
        hint=stage.hint,
        backtrace=stage.backtrace,
        notes=stage.notes,
    )


def _module(facts: ModuleFacts) -> pb.ModuleFacts:
    return pb.ModuleFacts(
        sha256=facts.sha256,
        module_bytes=facts.size,
        imports=facts.imports,
        exports=facts.exports,
        needs_features=facts.needs,
        checkpoints=facts.checkpoints,
        image_is_whole=facts.whole,
        compile_us=_us(facts.compile_s),
    )


def _start(facts: StartFacts) -> pb.StartFacts:
    started = facts.started
    return pb.StartFacts(
        elapsed_us=_us(started.elapsed_s),
        fuel=started.fuel_units,
        memory_bytes=started.memory_bytes,
        capabilities=facts.capabilities,
        messages_sent=len(started.sent),
    )


def _message(facts: MessageFacts) -> pb.MessageFacts:
    return pb.MessageFacts(
        name=facts.name,
        given=facts.given,
        handled=facts.handled,
        sent=facts.sent,
        sent_count=facts.sent_count,
        fuel=facts.fuel_units,
        elapsed_us=facts.elapsed_s * 1e6,
        memory_bytes=facts.memory_bytes,
    )


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
