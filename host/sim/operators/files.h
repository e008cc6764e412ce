#pragma once

#include <string>

#include "base/result.h"
#include "sim/operators/process.h"

namespace slipway::sim::operators {

// Files of database servers. None of it is safe for more than one caller a directory.

// Replaces a file and gives it to the account.
Result<void> WriteFile(const std::string& path, const std::string& text, const Account& account);
std::string ReadFile(const std::string& path);  // "" when absent
Result<void> MakeDirectory(const std::string& path, unsigned mode, const Account& account);
void RemoveTree(const std::string& path);

// A port of 127.0.0.1 that nobody listens on now.
Result<int> FreePort();

}  // namespace slipway::sim::operators
