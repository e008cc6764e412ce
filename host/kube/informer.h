#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/cluster.h"

namespace slipway::kube {

// An object as the cache keeps it. Immutable.
struct CachedObject {
  ObjectRef ref;
  std::string uid, resource_version;
  std::string index;  // value of the index label, "" when absent
  std::string text;   // JSON: apiVersion, kind, the pruned metadata, and what `keep` names

  Json Parse() const;  // text as a value
};

struct InformerSpec {
  std::string api_version, kind;
  std::string ns;              // "" for all namespaces
  std::string label_selector;  // e.g. "slipway.dev/instance"
  std::string index_label;     // e.g. "slipway.dev/instance"
  // JSON Pointers of what is kept besides apiVersion, kind and metadata.{name, namespace, uid,
  // resourceVersion, generation, labels, annotations, ownerReferences, deletionTimestamp,
  // creationTimestamp, finalizers}. Empty: everything but managedFields.
  std::vector<std::string> keep;
};

// Keeps a local copy of the objects one watch selects: list (paged), watch with bookmarks, relist
// on 410, jittered back-off that resets. A kind that is not served is an empty, synced cache that
// is looked for again. The store is never ahead of the API server; it is behind by at most a
// reconnect.
//
// Threads: reads from anywhere; OnChange runs on the client's loop and must not block.
class Informer {
 public:
  enum class Change { kAdded, kModified, kDeleted };
  using OnChange = std::function<void(Change, const std::shared_ptr<const CachedObject>&)>;
  using ObjectPtr = std::shared_ptr<const CachedObject>;

  virtual ~Informer() = default;  // stops the watch; no callback runs after it returns
  virtual ObjectPtr Get(const std::string& ns, const std::string& name) const = 0;
  virtual std::vector<ObjectPtr> ByIndex(const std::string& value) const = 0;
  virtual std::vector<ObjectPtr> All() const = 0;
  // The first list has been taken in (or the kind is known to be absent).
  virtual bool synced() const = 0;
  // False while the kind is not served.
  virtual bool served() const = 0;
  // Why what is cached may be old at present: the API server refuses this list or watch (401, 403;
  // in its own words), or there has been no watch for ClientOptions::watch_stale_ms (kUnavailable,
  // with the last failure's reason).
  virtual std::optional<Error> trouble() const = 0;
  virtual size_t bytes() const = 0;  // of all texts, for metrics
};

}  // namespace slipway::kube
