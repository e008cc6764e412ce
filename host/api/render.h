#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/registry.h"
#include "pipeline/service.h"
#include "store/records.h"

// Renders records for the API. Pure functions. They show only the members that they name.
namespace slipway::api {

// Members that are left out where a time is 0 or a text is empty.
void SetTime(Json& out, const char* name, int64_t ms);
void SetText(Json& out, const char* name, const std::string& text);

std::string InstancePath(const std::string& id);
std::string OperationPath(const std::string& id);

// The facts about an instance that its record lacks.
struct InstanceView {
  bool engine_available = true;
  std::string operation_id;  // of the running operation; "": none
};

// The login that proved the instance's credentials, or did not.
Json RenderProof(const Json& proof);
// Includes the etag.
// {"plan": …}, as a dry run answers.
Json RenderPlan(const pipeline::UpdatePlan& plan);
Json RenderInstance(const store::InstanceRecord& instance, const InstanceView& view);
Json RenderOperation(const store::OperationRecord& operation);
Json RenderEvent(const store::EventRecord& event);
Json RenderBackup(const store::BackupRecord& backup);
// A restore drill, with the instance that it made.
Json RenderDrill(const store::OperationRecord& operation, const store::InstanceRecord& copy);
// To which points of time the instance can be restored, as far as its engine has seen it.
Json RenderWindow(const store::InstanceRecord& instance);
// `description` may be null.
Json RenderEngine(const engine::EngineStatus& status, const Json& description);
Json RenderAudit(const store::AuditRecord& record);
Json RenderTier(const pipeline::Tier& tier);
// `fields` are the decrypted credentials; every endpoint gets its connection string.
Json RenderCredentials(const store::InstanceRecord& instance, const Json& fields);

// Encodes all but RFC 3986's unreserved characters as %XX.
std::string PercentEncode(std::string_view text);

}  // namespace slipway::api
