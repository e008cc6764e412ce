#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::engine {

// What must be known about an engine file before any of it runs.
struct ElfFacts {
  int abi_major = 0, abi_minor = 0;
  std::string engine, version;       // from the note; hostile text until compared
  std::vector<std::string> needed;   // DT_NEEDED
  std::vector<std::string> exports;  // defined dynamic symbols that others could bind to
  bool has_run_path = false;
};

// Reads untrusted bytes; executes nothing. Errors are kInvalid with one of the reasons NotElf,
// WrongMachine, Truncated, NoNote.
Result<ElfFacts> ProbeElf(std::string_view file);

// Whether this host may load it as `name`: AbiMajor, NameMismatch, ExtraExports, MissingSymbol,
// RunPath, ForbiddenDependency.
Result<void> CheckFacts(const ElfFacts& facts, const std::string& name);

// Text from an engine or its file, fit for a log line or a JSON document: valid UTF-8, no control
// characters, at most `limit` bytes.
std::string Printable(std::string_view text, size_t limit = 2048);

}  // namespace slipway::engine
