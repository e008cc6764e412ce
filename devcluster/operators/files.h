#pragma once

#include <string>

#include "base/result.h"
#include "devcluster/operators/process.h"

namespace slipway::sim::operators {

// Files of database servers. For one directory, only one caller at a time may use these functions.

// Replaces a file and makes the account its owner.
Result<void> WriteFile(const std::string& path, const std::string& text, const Account& account);
std::string ReadFile(const std::string& path);  // "" when absent
Result<void> MakeDirectory(const std::string& path, unsigned mode, const Account& account);
void RemoveTree(const std::string& path);

// A port of 127.0.0.1 on which nobody listens at the moment.
Result<int> FreePort();

}  // namespace slipway::sim::operators
