#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/routes.h"
#include "base/json.h"
#include "base/result.h"
#include "http/server.h"
#include "pipeline/service.h"

// Reads requests from the HTTP layer. Pure functions.
namespace slipway::api {

// [A-Za-z0-9._-]{1,128}
bool IsRequestId(std::string_view text);

// Checks every parameter in path, query and headers against its bounds in the route's row. kInvalid
// "UnknownParameter", "Malformed" or the row's reason; kNotFound for a part of the path.
Result<void> CheckParameters(const Route& route, const http::Pairs& path,
                             const http::Request& request);
// For parameters that CheckParameters accepted. `fallback` when absent.
int64_t QueryInt(const http::Request& request, std::string_view name, int64_t fallback);
int64_t QueryTime(const http::Request& request, std::string_view name);  // 0 when absent
std::string QueryText(const http::Request& request, std::string_view name);

// "there is no instance "ins_1"". An absent object and a hidden one get the same error.
Error NotFound(const std::string& what, const std::string& id);

// Reads the body as the route's row declares it: media type, UTF-8, JSON, and no fields if the row
// has none. An absent optional body is {}. kInvalid "UnsupportedMediaType", "BadJson",
// "ValidationFailed" (details in `problems`).
Result<Json> ReadBody(const Body& body, const http::Request& request, std::vector<Error>& problems);

// Sorts members by name at every level, so that equal values have equal texts.
std::string Canonical(const Json& value);

// Fills `out` from a create body; returns all errors. A null optional field counts as absent.
std::vector<Error> ParseCreate(const Json& body, const std::vector<pipeline::Tier>& tiers,
                               pipeline::CreateRequest& out);

struct Patch {
  std::optional<bool> deletion_protection;
  std::optional<Json> labels;         // a merge patch of the labels; null clears them
  Json changes = Json::MakeObject();  // of the spec, see pipeline/update.h
};

// The arguments of a backup that a caller asks for.
std::vector<Error> ParseBackup(const Json& body, Json& out);
// The arguments of a switchover that a caller asks for.
std::vector<Error> ParseSwitchover(const Json& body, Json& out);
// The problems of a request for a restore drill.
std::vector<Error> ParseDrill(const Json& body);
// Reads the changes of a PATCH; returns all errors. For a change that the host does not support
// yet, returns only kNotImplemented. Labels and protection change at once, the spec by an
// operation: "CombinedChange" for both in one.
std::vector<Error> ParsePatch(const Json& body, Patch& out);
// Applies a merge patch that ParsePatch accepted; kInvalid "TooMany".
Result<Json> PatchLabels(const Json& labels, const Json& patch);

// An entity tag is "g{generation}-{digest}". If-Match compares only the generation, so that a new
// status does not fail a write. If-None-Match compares the whole representation.
std::string MakeEtag(int64_t generation, std::string_view representation);
bool IfMatchHolds(std::string_view header, int64_t generation);
bool IfNoneMatchHits(std::string_view header, std::string_view etag);

}  // namespace slipway::api
