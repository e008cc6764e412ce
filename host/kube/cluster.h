#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace slipway::kube {

struct ObjectRef {
  std::string api_version;  // "v1", "db.example.org/v1"
  std::string kind;
  std::string ns;  // "" for cluster-scoped objects
  std::string name;

  static ObjectRef Of(const Json& object);
  std::string ToString() const;  // "Cluster acme-orders/orders"
  bool operator==(const ObjectRef&) const = default;
  auto operator<=>(const ObjectRef&) const = default;
};

// What discovery says of a kind.
struct Resource {
  std::string api_version, kind, plural;
  bool namespaced = true;
};

struct ListOptions {
  std::string label_selector = {}, field_selector = {};
  int page_size = 500;
  // "": what there is now. Else "Exact" at that version or "NotOlderThan" it, perhaps from a cache.
  std::string resource_version = {}, resource_version_match = {};
};

struct ObjectList {
  std::string resource_version;
  std::vector<Json> items;  // apiVersion and kind are filled in, managedFields (half) left out
};

struct ApplyOptions {
  std::string field_manager = "slipway";
  bool force = false;
  bool dry_run = false;
  std::string subresource = {};  // "" or "status"
};

enum class PatchType { kMerge, kJson, kStrategic };

struct DeleteOptions {
  std::string uid = {};                    // precondition; "" for none
  std::string propagation = "Background";  // Background, Foreground, Orphan
  bool dry_run = false;
  int64_t grace_seconds = -1;         // of a pod; its own without it, 0 takes it away at once
  std::string resource_version = {};  // precondition; "" for none
};

// One API server. Every call blocks with the client's deadline, retries what is worth retrying
// (429, 503, 504, connection refused or lost before an answer, 500 of webhooks; jitter,
// Retry-After) and returns typed errors:
//   kNotFound       404 "NotFound"; an unknown kind is kNotFound "KindNotFound"
//   kAlreadyExists  409 on create
//   kConflict       409 otherwise: resourceVersion, UID precondition, "FieldManagerConflict"
//   kGone           410
//   kInvalid        400, 422 and "failed to create typed patch object"; `field` is the first
//   cause's field path kForbidden      403, message as the server wrote it;  kUnauthenticated 401
//   kExhausted      403 quota ("exceeded quota"), reason "QuotaExceeded"
//   kUnavailable    retries used up; kDeadline
// Any thread but the client's own loop thread.
class Cluster {
 public:
  virtual ~Cluster() = default;

  virtual Result<Json> Get(const ObjectRef& ref) = 0;
  // ns "" lists all namespaces. Follows continue tokens; when one has expired, everything is asked
  // for at once.
  virtual Result<ObjectList> List(const std::string& api_version, const std::string& kind,
                                  const std::string& ns, const ListOptions& options) = 0;
  virtual Result<Json> Create(const Json& object) = 0;
  // Server-side apply with fieldValidation=Strict.
  virtual Result<Json> Apply(const Json& object, const ApplyOptions& options) = 0;
  virtual Result<Json> Update(
      const Json& object,
      const std::string& subresource) = 0;  // PUT; resourceVersion inside is the precondition
  virtual Result<Json> Patch(const ObjectRef& ref, PatchType type, const Json& patch,
                             const std::string& subresource) = 0;
  // Success also when the object is already gone (404). kConflict when the UID is another's.
  virtual Result<void> Delete(const ObjectRef& ref, const DeleteOptions& options) = 0;
  // kNotFound "KindNotFound" when no such kind is served.
  virtual Result<Resource> Discover(const std::string& api_version, const std::string& kind) = 0;
  // Last `tail_lines` lines of a container's log.
  virtual Result<std::string> PodLog(const std::string& ns, const std::string& pod,
                                     const std::string& container, int tail_lines) = 0;
  // GET through the API server; kind "pods" or "services", name "x", "x:port" or "https:x:port".
  virtual Result<std::string> ProxyGet(const std::string& kind, const std::string& ns,
                                       const std::string& name, const std::string& path) = 0;
  // GET /readyz with a short deadline; for readiness probes.
  virtual Result<void> Ping() = 0;
};

}  // namespace slipway::kube
