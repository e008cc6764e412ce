#pragma once

#include <string>

#include "base/result.h"

namespace slipway::engine {

constexpr size_t kMaxEngineBytes = 64u << 20;

// Reads an engine's file once, after checking who could have changed it: a regular file, not a
// link, owned by root or by us, and neither it nor a directory above it writable by group or
// others (a sticky directory is fine). Reasons: NotFound WrongOwner WorldWritable NotRegularFile.
Result<std::string> ReadTrusted(const std::string& path);

// The same question about a configuration file; links are followed, since that is how a mounted
// ConfigMap looks.
Result<void> CheckConfigFile(const std::string& path);

// Writes the bytes to DIR/<sha256>.so unless that very content is there already, and returns the
// path. The library is loaded from this copy: nobody can change it between check and load, and no
// two versions share a name, by which the dynamic linker would confuse them.
Result<std::string> Stage(const std::string& dir, const std::string& sha256,
                          const std::string& bytes);

}  // namespace slipway::engine
