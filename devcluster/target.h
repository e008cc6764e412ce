#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "devcluster/api.h"
#include "devcluster/kinds.h"
#include "devcluster/status.h"
#include "http/server.h"

namespace slipway::sim {

// The parts of a resource URL such as /api/v1/namespaces/a/pods/b/log.
struct Target {
  KindPtr kind;
  std::string ns, name, subresource;
  bool watch = false;  // /api/v1/watch/…
  std::string rest;    // the part behind the subresource, for proxies
};

// Returns nothing when the path is not below /api/v1 or /apis. The "404 page not found" and the
// Status of an unknown resource are Failures.
Answer<Target> ParseTarget(const KindRegistry& kinds, const http::Request& request);

// One of get, list, watch, create, update, patch, apply, delete, deletecollection; "" for other
// requests.
std::string VerbOf(const http::Request& request, const Target* target);

bool QueryIs(const http::Request& request, std::string_view name, std::string_view value);
// Accepts "true" and "1".
bool QueryFlag(const http::Request& request, std::string_view name);
std::string QueryText(const http::Request& request, std::string_view name);
std::string HeaderText(const http::Request& request, std::string_view name);

// Reads fieldManager, fieldValidation, dryRun and force.
Answer<WriteOptions> ReadWriteOptions(const http::Request& request, const Target& target);
// Accepts "" and All; anything else is a cause.
bool ReadDryRun(const std::string& text, std::vector<Cause>& causes);
// Reads JSON, or YAML where the content type or the text says so.
Answer<Json> ReadBody(const http::Request& request);

}  // namespace slipway::sim
