#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/engine.h"
#include "pipeline/service.h"
#include "store/records.h"

// Records as the API shows them: pure functions. What is not named here is not shown.
namespace slipway::api {

std::string InstancePath(const std::string& id);
std::string OperationPath(const std::string& id);

// What an instance's record does not know.
struct InstanceView {
  bool engine_available = true;
  std::string operation_id;  // of the live operation, "" when none
};

// With its etag.
Json RenderInstance(const store::InstanceRecord& instance, const InstanceView& view);
Json RenderOperation(const store::OperationRecord& operation);
Json RenderEvent(const store::EventRecord& event);
// `description` may be null.
Json RenderEngine(const engine::EngineStatus& status, const Json& description);
Json RenderTier(const pipeline::Tier& tier);
// `fields` are the decrypted credentials; every endpoint gets its connection string.
Json RenderCredentials(const store::InstanceRecord& instance, const Json& fields);

// Everything but RFC 3986's unreserved characters as %XX.
std::string PercentEncode(std::string_view text);

}  // namespace slipway::api
