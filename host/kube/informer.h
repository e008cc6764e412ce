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
  std::string text;   // JSON: apiVersion, kind, the pruned metadata and the parts in `keep`

  Json Parse() const;  // text as a value
};

struct InformerSpec {
  std::string api_version, kind;
  std::string ns;              // "" for all namespaces
  std::string label_selector;  // e.g. "slipway.dev/instance"
  std::string index_label;     // e.g. "slipway.dev/instance"
  // JSON Pointers of the parts to keep besides apiVersion, kind and metadata.{name, namespace, uid,
  // resourceVersion, generation, labels, annotations, ownerReferences, deletionTimestamp,
  // creationTimestamp, finalizers}. Empty: all parts but managedFields.
  std::vector<std::string> keep;
};

// Keeps a local copy of the objects that one watch selects. It lists (in pages), watches with
// bookmarks, lists again after 410, and backs off with jitter after failures. While the server does
// not serve the kind, the cache is empty and synced, and the informer looks for the kind again. The
// cache is never ahead of the API server, and behind it by one reconnect at most.
//
// Threads: any thread may read. OnChange runs on the client's loop and must not block.
class Informer {
 public:
  enum class Change { kAdded, kModified, kDeleted };
  using OnChange = std::function<void(Change, const std::shared_ptr<const CachedObject>&)>;
  using ObjectPtr = std::shared_ptr<const CachedObject>;

  virtual ~Informer() = default;  // stops the watch; no callback runs afterwards
  virtual ObjectPtr Get(const std::string& ns, const std::string& name) const = 0;
  virtual std::vector<ObjectPtr> ByIndex(const std::string& value) const = 0;
  virtual std::vector<ObjectPtr> All() const = 0;
  // True once the first list is in the cache (or the kind is known to be absent).
  virtual bool synced() const = 0;
  // False while the server does not serve the kind.
  virtual bool served() const = 0;
  // The reason why the cache may be old at present: the API server refuses this list or watch (401,
  // 403; its own words), or there was no watch for ClientOptions::watch_stale_ms (kUnavailable and
  // the last failure's reason).
  virtual std::optional<Error> trouble() const = 0;
  virtual size_t bytes() const = 0;  // of all texts, for metrics
};

}  // namespace slipway::kube
