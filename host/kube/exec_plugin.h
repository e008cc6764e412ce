#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "kube/config.h"
#include "kube/http_message.h"

namespace slipway::kube {

struct ExecCredential {
  HttpAuth auth;
  int64_t expires_ms = 0;  // Unix time; 0: does not expire
};

// Runs a client.authentication.k8s.io plugin (v1, v1beta1) and reads its output. Blocks until it
// ends. At the deadline it kills the plugin and its children. Error kUnauthenticated
// "ExecPluginFailed" with the plugin's stderr, never with its stdout.
Result<ExecCredential> RunExecPlugin(const Config::Exec& plugin, int64_t deadline_ms);
// Reads the ExecCredential document.
Result<ExecCredential> ParseExecCredential(const std::string& text, const std::string& api_version);

}  // namespace slipway::kube
