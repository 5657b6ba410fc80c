"""From functions of LLVM to machine code."""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding

from .unit import Unit


def machine_code(unit: Unit) -> bytes:
    """The object file of a unit."""
    code: bytes = _machine().emit_object(_optimised(unit))
    return code


def assembly(unit: Unit) -> str:
    """The same to be read."""
    text: str = _machine().emit_assembly(_optimised(unit))
    return text


@cache
def _machine() -> Any:
    """What compiles for the processor at hand."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    # Sections of an object may be loaded further apart than 32 bits reach, where a process has mapped much memory.
    target = binding.Target.from_default_triple()
    reloc = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=processor()[0], features=processor()[1], opt=3, reloc=reloc, codemodel="jitdefault", jit=True
    )


@cache
def processor() -> tuple[str, str]:
    """The name of the processor and what it can do."""
    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


def _optimised(unit: Unit) -> Any:
    unit.module.triple = _machine().triple
    module = binding.parse_assembly(str(unit.module))
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    options.loop_interleaving = options.loop_unrolling = True
    passes = binding.create_pass_builder(_machine(), options)
    passes.getModulePassManager().run(module, passes)
    return module
