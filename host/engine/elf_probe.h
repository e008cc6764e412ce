#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::engine {

// The facts about an engine file that the host needs before any of its code runs.
struct ElfFacts {
  int abi_major = 0, abi_minor = 0;
  std::string engine, version;       // from the note; untrusted until compared
  std::vector<std::string> needed;   // DT_NEEDED
  std::vector<std::string> exports;  // defined dynamic symbols that others can bind to
  bool has_run_path = false;
  // The linker's hardening.
  bool stack_executable = true;  // PT_GNU_STACK may clear it
  bool relro = false;
  bool bind_now = false;
  bool text_relocations = false;
  bool writable_code = false;
};

// Reads untrusted bytes; executes nothing. Errors are kInvalid with one of the reasons NotElf,
// WrongMachine, Truncated, NoNote.
Result<ElfFacts> ProbeElf(std::string_view file);

// Checks that this host may load it as `name`. Reasons: AbiMajor, NameMismatch, ExtraExports,
// MissingSymbol, RunPath, ForbiddenDependency, ExecutableStack, WritableCode, TextRelocations,
// NoRelro, LazyBinding.
Result<void> CheckFacts(const ElfFacts& facts, const std::string& name);

}  // namespace slipway::engine
