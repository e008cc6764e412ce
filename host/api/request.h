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

// Reading requests: pure functions over what the HTTP layer delivered.
namespace slipway::api {

// [A-Za-z0-9._-]{1,128}
bool IsRequestId(std::string_view text);
// 1–255 printable ASCII characters.
bool IsIdempotencyKey(std::string_view text);

// kInvalid "UnknownParameter", or "Malformed" for a repeated or ill-typed one.
Result<void> CheckQuery(const Route& route, const http::Request& request);
// An integer parameter that CheckQuery accepted; `fallback` when absent.
int64_t QueryInt(const http::Request& request, std::string_view name, int64_t fallback);

// Whether Content-Type is `type`, in UTF-8.
bool HasContentType(const http::Request& request, std::string_view type);
// kInvalid "BadJson".
Result<Json> ParseBody(const http::Request& request);

// Members in the order of their names, at every level: equal values have equal texts.
std::string Canonical(const Json& value);

// Fills `out` from a create body; returns everything that is wrong with it.
std::vector<Error> ParseCreate(const Json& body, const std::vector<pipeline::Tier>& tiers,
                               pipeline::CreateRequest& out);

struct Patch {
  std::optional<bool> deletion_protection;
  std::optional<Json> labels;  // a merge patch of the labels; null clears them
};

// What PATCH may change. A part that is not built yet: kNotImplemented, alone.
std::vector<Error> ParsePatch(const Json& body, Patch& out);
// Applies the merge patch and checks the outcome.
Result<Json> PatchLabels(const Json& labels, const Json& patch);

// An entity tag is "g{generation}-{digest}": If-Match asks about the generation, so that a change
// of status alone does not fail a write; If-None-Match asks about everything that is shown.
std::string MakeEtag(int64_t generation, std::string_view representation);
bool IfMatchHolds(std::string_view header, int64_t generation);
bool IfNoneMatchHits(std::string_view header, std::string_view etag);

}  // namespace slipway::api
