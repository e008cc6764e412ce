#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "kube/client.h"
#include "kube/http_loop.h"

namespace slipway::kube {

struct ExecCredential {
  HttpAuth auth;
  int64_t expires_ms = 0;  // Unix time; 0: does not expire
};

// Runs a client.authentication.k8s.io plugin (v1, v1beta1) and reads what it prints. Blocks until
// it ends or the deadline, then kills it with all it started. Errors never contain what it printed
// on stdout: kUnauthenticated "ExecPluginFailed".
Result<ExecCredential> RunExecPlugin(const Config::Exec& plugin, int64_t deadline_ms);
// The ExecCredential document itself.
Result<ExecCredential> ParseExecCredential(const std::string& text, const std::string& api_version);

}  // namespace slipway::kube
