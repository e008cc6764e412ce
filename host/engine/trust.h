#pragma once

#include <string>

#include "base/result.h"

namespace slipway::engine {

constexpr size_t kMaxEngineBytes = 64u << 20;

// Reads an engine's file once, after it checked that no other user could change it. The file is
// regular, not a link, and belongs to root or to us. Group and others can write neither the file
// nor a directory above it (a sticky directory is fine). Reasons: NotFound WrongOwner WorldWritable
// NotRegularFile.
Result<std::string> ReadTrusted(const std::string& path);

// The same check for a configuration file. It follows links, because a mounted ConfigMap has them.
Result<void> CheckConfigFile(const std::string& path);

// Writes the bytes to DIR/<sha256>.so, unless that file already has them, and returns the path. The
// host loads the library from this copy: nobody can change it between check and load. Each version
// has its own file name, so the dynamic linker cannot confuse two versions.
Result<std::string> Stage(const std::string& dir, const std::string& sha256,
                          const std::string& bytes);

}  // namespace slipway::engine
