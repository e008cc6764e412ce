#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "devcluster/schema.h"
#include "devcluster/status.h"

namespace slipway::sim {

// A column of `kubectl get`, from the additionalPrinterColumns of a CRD. `path` is a simple
// JSONPath (".status.phase", ".status.conditions[?(@.type==\"Ready\")].status").
struct PrinterColumn {
  std::string name, type, path, description;
  int priority = 0;
};

// One served version of a resource. Immutable.
struct Kind {
  std::string group, version, kind, plural, singular;
  std::vector<std::string> short_names, categories;
  bool namespaced = true;
  bool has_status = false;               // status subresource
  bool has_generation = false;           // it counts changes outside metadata and status
  bool custom = false;                   // from a CRD
  bool deed = false;                     // creating it does something; it has no objects
  bool has_rules = false;                // x-kubernetes-validations, which are not evaluated
  bool needs_version = false;            // an update must name the resourceVersion
  std::string scale_spec, scale_status;  // JSONPaths of the scale subresource, "" for none
  std::shared_ptr<const Schema> schema;  // of built-in kinds: from builtin_types.h
  std::shared_ptr<const Json> open_api;  // the schema as the CRD has it, for /openapi/v3
  std::vector<PrinterColumn> columns;

  std::string collection() const { return group.empty() ? plural : group + "/" + plural; }

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }

  ResourceName name() const { return {group, plural, kind}; }

  bool is_definition() const { return kind == "CustomResourceDefinition" && !custom; }
};

using KindPtr = std::shared_ptr<const Kind>;

// The kinds that the server serves. It starts with the built-in kinds, and CRDs add to it. Any
// thread may call it.
class KindRegistry {
 public:
  KindRegistry();

  void Add(Kind kind);
  // Removes every version of a resource.
  void Remove(const std::string& group, const std::string& plural);

  // nullptr when the resource is not served.
  KindPtr ByResource(std::string_view group, std::string_view version,
                     std::string_view plural) const;
  // Takes "pods" or "group/plural" and returns any served version of it.
  KindPtr ByCollection(const std::string& collection) const;
  KindPtr ByKind(std::string_view api_version, std::string_view kind) const;
  bool HasGroup(std::string_view group, std::string_view version) const;
  // Sorted by group, version and plural.
  std::vector<KindPtr> All() const;

 private:
  static std::string Key(std::string_view group, std::string_view version, std::string_view plural);

  mutable std::shared_mutex mutex_;
  std::map<std::string, KindPtr, std::less<>> by_resource_;
  std::unordered_map<std::string, KindPtr> by_kind_, by_collection_;
};

// The kinds that every cluster has.
std::vector<Kind> BuiltinKinds();

}  // namespace slipway::sim
