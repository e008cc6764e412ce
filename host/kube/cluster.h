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

// A kind, as discovery describes it.
struct Resource {
  std::string api_version, kind, plural;
  bool namespaced = true;
};

struct ListOptions {
  std::string label_selector = {}, field_selector = {};
  int page_size = 500;
  // "": the present state. "Exact": the state at that version. "NotOlderThan": that or a later one,
  // perhaps from a cache.
  std::string resource_version = {}, resource_version_match = {};
};

struct ObjectList {
  std::string resource_version;
  std::vector<Json> items;  // with apiVersion and kind, without managedFields (half)
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
  int64_t grace_seconds = -1;         // of a pod; -1: the pod's own, 0: delete at once
  std::string resource_version = {};  // precondition; "" for none
};

// One API server. Every call blocks until the client's deadline at most. It retries where that may
// help (429, 503, 504, 500 of webhooks, a connection refused or lost before an answer), with jitter
// and after Retry-After. Its errors are typed:
//   kNotFound       404 "NotFound"; an unknown kind is kNotFound "KindNotFound"
//   kAlreadyExists  409 on create
//   kConflict       409 otherwise: resourceVersion, UID precondition, "FieldManagerConflict"
//   kGone           410
//   kInvalid        400, 422, "failed to create typed patch object"; `field` is of the first cause
//   kForbidden      403 with the server's message
//   kUnauthenticated 401
//   kExhausted      403 quota ("exceeded quota"), reason "QuotaExceeded"
//   kUnavailable    retries used up; kDeadline
// Any thread, except the client's own loop thread.
class Cluster {
 public:
  virtual ~Cluster() = default;

  virtual Result<Json> Get(const ObjectRef& ref) = 0;
  // ns "" lists all namespaces. Follows continue tokens; after an expired one it asks for the whole
  // list at once.
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
  // An object that is gone already (404) is a success, too. kConflict when the UID differs.
  virtual Result<void> Delete(const ObjectRef& ref, const DeleteOptions& options) = 0;
  // kNotFound "KindNotFound" when the server has no such kind.
  virtual Result<Resource> Discover(const std::string& api_version, const std::string& kind) = 0;
  // The last `tail_lines` lines of a container's log.
  virtual Result<std::string> PodLog(const std::string& ns, const std::string& pod,
                                     const std::string& container, int tail_lines) = 0;
  // GET through the API server. The kind is "pods" or "services", the name "x", "x:port" or
  // "https:x:port".
  virtual Result<std::string> ProxyGet(const std::string& kind, const std::string& ns,
                                       const std::string& name, const std::string& path) = 0;
  // GET /readyz with a short deadline; for readiness probes.
  virtual Result<void> Ping() = 0;
};

}  // namespace slipway::kube
